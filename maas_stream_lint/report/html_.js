(() => {
  "use strict";

  const all = (what, where = document) => [...where.querySelectorAll(what)];
  const form = document.querySelector("form");
  const { text, severity, line, shown } = form.elements;

  const rows = all("tbody").map((body) => ({
    body,
    words: body.textContent.toLowerCase(),
    cells: all("td > a", body),
    openers: [], // all cells that lead here: the cause of some is another row's finding
    details: body.querySelector("details"),
    entries: all(".entry", body).map((node) => ({
      node,
      severity: Number(node.dataset.severity),
      maas: node.dataset.maas.split(" "),
    })),
    cell: null, // the cell that was opened, whose release alone is told of
  }));
  // Release lines of which every row says the same share a column.
  const columns = new Map(all("[data-lines]").map((head) => [
    head.dataset.column,
    { lines: head.dataset.lines.split(" "), label: head.textContent },
  ]));
  const inColumns = all("[data-column]");
  const homes = new Map(rows.map((row) => [row.body.querySelector(".panel")?.id, row]));

  function columnOf(cell) {
    return cell.parentNode.dataset.column;
  }

  function refresh(row) {
    const least = severity.value === "" ? -1 : Number(severity.value);
    const only = row.cell ? columns.get(columnOf(row.cell)) : null;
    let some = false;
    for (const entry of row.entries) {
      const meant = entry.severity >= least && (!line.value || entry.maas.includes(line.value));
      some ||= meant;
      entry.node.hidden = !meant || (only !== null && !entry.maas.includes(only.lines[0]));
    }
    for (const cell of row.openers) cell.setAttribute("aria-expanded", String(cell === row.cell));
    if (row.details) {
      const told = row.body.querySelector(".only");
      told.hidden = !only;
      if (only) told.firstChild.textContent = `The findings on MAAS ${only.label}.`;
    }
    row.body.hidden =
      !row.words.includes(text.value.trim().toLowerCase()) || (least >= 0 && !some);
  }

  function filter() {
    for (const node of inColumns) {
      const { lines } = columns.get(node.dataset.column);
      node.hidden = line.value !== "" && !lines.includes(line.value);
    }
    rows.forEach(refresh);
    const left = rows.filter((row) => !row.body.hidden).length;
    const noun = rows.length === 1 ? "row" : "rows";
    shown.value = left === rows.length ? `${left} ${noun}` : `${left} of ${rows.length} ${noun}`;
  }

  function open(row, cell) {
    row.cell = cell;
    row.details.open = true;
    row.body.hidden = false;
    refresh(row);
    const panel = row.details.querySelector(".panel");
    panel.focus({ preventScroll: true });
    const { top, bottom } = panel.getBoundingClientRect();
    if (top < 0 || bottom > innerHeight) row.body.scrollIntoView({ block: "start" });
  }

  function close(row) {
    const back = row.cell || row.details.querySelector("summary");
    row.cell = null;
    row.details.open = false;
    refresh(row);
    back.focus();
  }

  function step(row, cell, key) {
    const at = rows.indexOf(row);
    let to;
    if (key === "ArrowLeft" || key === "ArrowRight") {
      const seen = row.cells.filter((other) => !other.parentNode.hidden);
      to = seen[seen.indexOf(cell) + (key === "ArrowLeft" ? -1 : 1)];
    } else {
      const way = key === "ArrowUp" ? -1 : 1;
      for (let n = at + way; rows[n] && !to; n += way) {
        if (!rows[n].body.hidden) to = rows[n].cells.find((other) => columnOf(other) === columnOf(cell));
      }
    }
    if (to) to.focus();
    return Boolean(to);
  }

  for (const row of rows) {
    for (const cell of row.cells) {
      const home = homes.get(cell.hash.slice(1));
      home.openers.push(cell);
      cell.setAttribute("role", "button");
      cell.setAttribute("aria-controls", cell.hash.slice(1));
      cell.addEventListener("click", (event) => {
        event.preventDefault();
        if (home.cell === cell && home.details.open) close(home);
        else open(home, cell);
      });
      cell.addEventListener("keydown", (event) => {
        if (event.key === " ") cell.click();
        else if (!event.key.startsWith("Arrow") || !step(row, cell, event.key)) return;
        event.preventDefault();
      });
    }
    if (!row.details) continue;
    row.body.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && row.details.open) close(row);
    });
    row.body.querySelector(".only button").addEventListener("click", () => {
      row.cell = null;
      refresh(row);
      row.details.querySelector(".panel").focus();
    });
    row.details.addEventListener("toggle", () => {
      if (!row.details.open && row.cell) {
        row.cell = null;
        refresh(row);
      }
    });
  }

  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));

  let before = [];
  addEventListener("beforeprint", () => {
    before = all("details").map((node) => [node, node.open]);
    for (const [node] of before) node.open = true;
    for (const entry of all(".entry")) entry.hidden = false;
  });
  addEventListener("afterprint", () => {
    for (const [node, was] of before) node.open = was;
    filter();
  });

  form.hidden = false;
  filter();
})();
