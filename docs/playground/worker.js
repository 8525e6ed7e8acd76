// Runs the package in the browser's Python. It loads everything from the folder that it is in.
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
