// The playground's form. All work is done in a worker. Only the stream of a URL is requested from another server.
"use strict";

const form = document.querySelector("#try");
const { first, run, stop, status, kind, index, products, line, url, selections, images } = form.elements;
const folder = form.querySelector("#folder");
const loose = form.querySelector("#loose");
const drop = form.querySelector("#drop");
const chosen = form.querySelector("#chosen");
const result = document.querySelector("#result");
const frame = result.querySelector("iframe");
const text = result.querySelector("pre");
const save = result.querySelector("a");
const here = new URL("./", import.meta.url);
const MOST_FILES = 50000;

let worker = null;
let free = false; // whether the worker may reach other servers
let files = [];
let address = null;

// A worker that starts from a blob is held to this page's Content-Security-Policy: it reaches no other server. One that starts
// from its own URL is not. It gets the URL of a stream, and nothing else that the form holds but release lines and selections.
function hired() {
  const script = new URL("worker.js", here).href;
  const blob = new Blob([`import ${JSON.stringify(script)};`], { type: "text/javascript" });
  const made = new Worker(free ? script : URL.createObjectURL(blob), { type: "module" });
  made.onmessage = ({ data }) => (data.progress ? say(data.progress) : finish(data.answer));
  made.onerror = () =>
    finish({ error: "Python did not start", hint: "Open the page from a web server, in a current browser.", broken: true });
  return made;
}

// What stands between backticks is code.
function say(words) {
  const parts = words.split("`").map((part, at) => {
    if (at % 2 === 0) return part;
    const code = document.createElement("code");
    code.textContent = part;
    return code;
  });
  status.replaceChildren(...parts);
}

function busy(yes) {
  run.disabled = first.disabled = yes;
  stop.hidden = !yes;
  form.setAttribute("aria-busy", String(yes));
}

function finish(answer) {
  busy(false);
  if (answer.error) {
    say(`${answer.note ?? ""} ${answer.error}${answer.hint ? ` (${answer.hint})` : ""}`.trim());
    status.dataset.state = "error";
    result.hidden = true;
    if (answer.broken) dismiss();
    return;
  }
  delete status.dataset.state;
  result.hidden = false;
  frame.hidden = save.parentNode.hidden = !answer.html;
  text.hidden = !answer.text;
  if (answer.html) {
    if (address) URL.revokeObjectURL(address);
    address = URL.createObjectURL(new Blob([answer.html], { type: "text/html" }));
    frame.src = save.href = address;
    say(`${answer.note ?? ""} ${answer.verdict}: ${answer.summary}`.trim());
  } else {
    text.firstChild.textContent = answer.text;
    say("Done.");
  }
  result.querySelector("h2").focus();
}

function question() {
  const releases = [...form.querySelectorAll("[name=maas]:checked")].map((box) => box.value);
  const options = { maas: releases, selections: selections.value, images: images.checked };
  switch (kind.value) {
    case "line":
      return { kind: "line", text: { text: line.value, width: Math.floor(form.clientWidth / 9) } };
    case "folder":
      return { kind: "folder", files, options };
    case "url":
      return { kind: "url", text: { url: url.value }, options };
    default:
      return { kind: "text", text: { index: index.value, products: products.value }, options };
  }
}

function refusal({ kind: asked, options }) {
  if (asked === "folder" && files.length === 0) return "Choose a folder or files first.";
  if (asked === "url" && !url.value.trim()) return "Give a URL first.";
  if (asked !== "line" && options.maas.length === 0) return "Choose a release line first.";
  return "";
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const asked = question();
  const why = refusal(asked);
  if (why) {
    say(why);
    status.dataset.state = "error";
    return;
  }
  delete status.dataset.state;
  busy(true);
  say("Starting …");
  if (free !== (asked.kind === "url")) dismiss();
  free = asked.kind === "url";
  worker ??= hired();
  worker.postMessage(asked);
});

function dismiss() {
  worker?.terminate();
  worker = null;
}

stop.addEventListener("click", () => {
  dismiss();
  busy(false);
  say("Stopped.");
  run.focus();
});

function show() {
  for (const panel of form.querySelectorAll("[data-kind]")) {
    panel.hidden = !panel.dataset.kind.split(" ").includes(kind.value);
  }
}

first.addEventListener("click", () => {
  form.reset();
  show();
  form.requestSubmit();
});

form.addEventListener("change", show);
show();

for (const button of form.querySelectorAll("[data-pick]")) {
  button.addEventListener("click", () => {
    const boxes = [...form.querySelectorAll("[name=maas]")];
    boxes.forEach((box, at) => {
      box.checked = button.dataset.pick === "all" || at === boxes.length - 1;
    });
  });
}

// Files ------------------------------------------------------------------------------------------

function keep(found) {
  files = found;
  const some = files.length === 1 ? "1 file" : `${files.length.toLocaleString("en")} files`;
  chosen.textContent = files.length ? `${some}: ${files[0].name}${files.length > 1 ? " …" : ""}` : "nothing is chosen";
}

for (const input of [folder, loose]) {
  input.addEventListener("change", () => {
    keep([...input.files].map((file) => ({ name: file.webkitRelativePath || file.name, file })));
  });
}

async function* below(entry) {
  if (entry.isFile) {
    const file = await new Promise((done, failed) => entry.file(done, failed));
    yield { name: entry.fullPath.replace(/^\//, ""), file };
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (some.length === 0) return;
    for (const one of some) yield* below(one);
  }
}

drop.addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", async (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
  const found = [];
  try {
    for (const entry of entries) {
      for await (const one of below(entry)) {
        found.push(one);
        if (found.length > MOST_FILES) break;
      }
    }
    keep(found);
  } catch (error) {
    keep([]);
    say(`The folder cannot be read: ${error.message}`);
    status.dataset.state = "error";
  }
});
