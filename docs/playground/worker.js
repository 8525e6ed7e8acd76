// Runs the package in the browser's Python. It loads everything from the folder that it is in, and requests the files of a
// stream from the server of a URL that it is given.
import { loadPyodide } from "./pyodide/pyodide.mjs";

const here = new URL("./", import.meta.url);
const WORK = "/work";

function tell(text) {
  postMessage({ progress: text });
}

async function start() {
  tell("Loading Python …");
  const [python, packed] = await Promise.all([
    loadPyodide({ indexURL: new URL("pyodide/", here).href }),
    fetch(new URL("packages.zip", here)).then((answer) => {
      if (!answer.ok) throw new Error(`packages.zip: ${answer.status} ${answer.statusText}`);
      return answer.arrayBuffer();
    }),
  ]);
  tell("Loading maas-stream-lint …");
  python.unpackArchive(packed, "zip", { extractDir: "/packages" });
  python.FS.mkdir(WORK);
  python.globals.set("_site", new URL("../", here).href);
  python.runPython(`
import os, sys
sys.path.insert(0, "/packages")
os.chdir("${WORK}")
from maas_stream_lint import documentation
os.environ[documentation.VARIABLE] = _site
`);
  return { python, play: python.pyimport("play"), unreadable: guarded(python) };
}

// A browser refuses to read a file that changed after it was chosen. Python is to see that as an error of the disk.
function guarded({ FS, ERRNO_CODES }) {
  const { stream_ops: operations } = FS.filesystems.WORKERFS;
  const read = operations.read;
  const unreadable = { count: 0 };
  operations.read = (...given) => {
    try {
      return read(...given);
    } catch {
      unreadable.count += 1;
      throw new FS.ErrnoError(ERRNO_CODES.EIO);
    }
  };
  return unreadable;
}

const ready = start();

// A server's files ------------------------------------------------------------------------------

const PATIENCE = 60_000; // milliseconds for one file
const AT_ONCE = 6;
const PLAIN = { cache: "no-store", credentials: "omit", referrerPolicy: "no-referrer" };

// A browser tells a script only that it got nothing. An answer that nobody may read shows that the server is there.
async function reason(url, error) {
  if (error.name === "TimeoutError") return "late";
  if (error.name === "RangeError") return "large";
  const alone = ["localhost", "127.0.0.1", "[::1]"].includes(new URL(url).hostname);
  if (location.protocol === "https:" && url.startsWith("http:") && !alone) return "mixed";
  try {
    await fetch(url, { ...PLAIN, method: "HEAD", mode: "no-cors", signal: AbortSignal.timeout(PATIENCE) });
    return "cors";
  } catch {
    return "dead";
  }
}

async function body(answer, left) {
  const parts = [];
  for await (const part of answer.body ?? []) {
    left.bytes -= part.length;
    if (left.bytes < 0) throw new RangeError("too large");
    parts.push(part);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

async function fetched({ FS }, url, file, left) {
  if (new URL(url).origin !== left.origin) return { url, refused: "elsewhere" };
  try {
    const answer = await fetch(url, { ...PLAIN, signal: AbortSignal.timeout(PATIENCE) });
    FS.writeFile(file, await body(answer, left));
    const { status, statusText: reason, headers, redirected } = answer;
    return { url, status, reason, headers: [...headers], file, moved: redirected ? answer.url : null };
  } catch (error) {
    return { url, refused: await reason(url, error) };
  }
}

// Python names the URLs that it needs, gets them, and is asked again, until it needs no more.
async function checkedUrl({ python, play }, { url, maas, selections }) {
  const answers = [];
  const left = { origin: null, bytes: play.MOST_FETCHED };
  try {
    for (;;) {
      const found = asked(play, "check_url", { url, maas, selections, answers });
      if (!found.wanted) return found;
      left.origin ??= new URL(url.trim()).origin;
      tell(`Requesting files from ${new URL(left.origin).host} …`);
      const waiting = found.wanted.map((wanted, at) => [wanted, `/tmp/${answers.length + at}`]);
      const hands = Array.from({ length: AT_ONCE }, async () => {
        while (waiting.length) answers.push(await fetched(python, ...waiting.shift(), left));
      });
      await Promise.all(hands);
      tell("Checking …");
    }
  } finally {
    for (const { file } of answers) if (file) python.FS.unlink(file);
  }
}

function asked(play, name, question) {
  return JSON.parse(play[name](JSON.stringify(question)));
}

// The files stay where they are: Python reads the parts of them that it needs.
function mounted({ python, play }, files) {
  const plan = asked(play, "layout", { names: files.map(({ name }) => name) });
  if (plan.error) return plan;
  const blobs = files.flatMap(({ file }, at) =>
    plan.paths[at] === null ? [] : [{ name: plan.paths[at], data: file }],
  );
  const place = `${WORK}/${plan.folder}`;
  python.FS.mkdir(place);
  python.FS.mount(python.FS.filesystems.WORKERFS, { blobs }, place);
  return { ...plan, place };
}

async function answer({ kind, files, text, options }) {
  const running = await ready;
  const { python, play } = running;
  if (kind === "line") return asked(play, "explain", text);
  if (kind === "url") return checkedUrl(running, { ...options, ...text });
  tell("Checking …");
  if (kind === "text") {
    const written = asked(play, "paste", text);
    return written.error ? written : asked(play, "check", { ...options, source: written.source });
  }
  const tree = mounted(running, files);
  if (tree.error) return tree;
  running.unreadable.count = 0;
  const found = asked(play, "check", { ...options, source: tree.source });
  python.FS.unmount(tree.place);
  python.FS.rmdir(tree.place);
  const changed = running.unreadable.count > 0;
  return changed ? { ...found, note: "A file changed after you chose it. Choose the folder again." } : found;
}

onmessage = async ({ data }) => {
  try {
    postMessage({ answer: await answer(data) });
  } catch (error) {
    const hint = "Load the page again. If this stays, its files are not all on the server.";
    postMessage({ answer: { error: String(error.message ?? error).slice(-300), hint, broken: true } });
  }
};
