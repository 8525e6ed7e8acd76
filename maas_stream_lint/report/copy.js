// A button beside each command. Without it the command is there to be selected with one click.
(() => {
  "use strict";

  function select(code) {
    const range = document.createRange();
    range.selectNodeContents(code);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  }

  async function copy(code) {
    // Without TLS a page has no clipboard of this kind.
    try {
      await navigator.clipboard.writeText(code.textContent);
      return true;
    } catch {
      select(code);
      return document.execCommand("copy");
    }
  }

  for (const block of document.querySelectorAll(".command")) {
    const code = block.querySelector("code");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    const say = (word, label) => {
      button.textContent = word;
      button.setAttribute("aria-label", label);
    };
    say("Copy", "Copy the command");
    button.addEventListener("click", async () => {
      if (await copy(code)) say("Copied", "Copied the command");
      else say("Press Ctrl+C", "Press Ctrl+C to copy the command");
      setTimeout(() => say("Copy", "Copy the command"), 2000);
    });
    block.append(button);
  }
})();
