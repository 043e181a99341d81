"use strict";
(() => {
  const FIRST = 50; // rows shown at once: a filter answers within a tenth of a second
  const table = document.getElementById("measurements");
  if (!table) return;
  document.documentElement.classList.add("js");
  const body = table.tBodies[0];
  const form = document.getElementById("filters");
  const count = document.getElementById("count");
  const more = document.getElementById("more");
  const headers = [...table.tHead.rows[0].cells];
  const names = headers.map((header) => header.textContent.trim());
  const rows = [...body.rows].map((element, number) => {
    const cells = [...element.cells];
    const texts = cells.map((cell) => cell.textContent);
    const keys = cells.map((cell, i) => ("key" in cell.dataset ? Number(cell.dataset.key) : texts[i]));
    const verdict = cells[names.indexOf("verdict")];
    if (verdict) verdict.dataset.is = verdict.textContent.split(",")[0];
    return { element, number, texts, keys, all: texts.join(" ").toLowerCase(), shown: false };
  });
  let order = rows;
  let limit = FIRST;

  function wanted() {
    const fields = new FormData(form);
    const words = String(fields.get("search") || "").toLowerCase().split(/\s+/).filter(Boolean);
    const exact = [...form.querySelectorAll("select")]
      .filter((select) => select.value !== "")
      .map((select) => [names.indexOf(select.name), select.value]);
    return (row) =>
      exact.every(([column, value]) => row.texts[column] === value) &&
      words.every((word) => row.all.includes(word));
  }

  function apply() {
    const matches = wanted();
    let found = 0;
    for (const row of order) {
      const match = matches(row);
      const shown = match && found < limit;
      found += match ? 1 : 0;
      if (shown !== row.shown) {
        row.shown = shown;
        row.element.classList.toggle("shown", shown);
      }
    }
    const visible = Math.min(found, limit);
    count.textContent =
      `${found} of ${rows.length} rows` + (visible < found ? `, the first ${visible} shown` : "");
    more.hidden = visible >= found;
    remember();
  }

  function remember() {
    const fields = [...new FormData(form)].filter(([, value]) => value !== "");
    const hash = new URLSearchParams(fields).toString();
    if (hash || location.hash.includes("=")) history.replaceState(null, "", `#${hash}`);
  }

  function recall() {
    if (!location.hash.includes("=")) return;
    for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
      const field = form.elements.namedItem(name);
      if (field instanceof HTMLSelectElement || field instanceof HTMLInputElement) field.value = value;
    }
  }

  function compare(column, sign) {
    return (one, two) => {
      const [a, b] = [one.keys[column], two.keys[column]];
      const [noA, noB] = [a === "-", b === "-"]; // what is not known comes last, either way
      if (noA || noB) return noA - noB || one.number - two.number;
      const mixed = typeof a === typeof b ? 0 : typeof a === "number" ? -1 : 1;
      const found = typeof a === "number" ? a - b : String(a).localeCompare(String(b));
      return (mixed || sign * found) || one.number - two.number;
    };
  }

  function sort(column) {
    const up = headers[column].getAttribute("aria-sort") !== "ascending";
    headers.forEach((header, i) => {
      if (header.hasAttribute("aria-sort"))
        header.setAttribute("aria-sort", i === column ? (up ? "ascending" : "descending") : "none");
    });
    order = [...rows].sort(compare(column, up ? 1 : -1));
    body.append(...order.map((row) => row.element));
    apply();
  }

  headers.forEach((header, column) => {
    header.querySelector("button")?.addEventListener("click", () => sort(column));
  });
  for (const event of ["input", "change"]) {
    // not every browser tells of a choice by both
    form.addEventListener(event, () => {
      limit = FIRST;
      apply();
    });
  }
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => {
    limit = FIRST;
    setTimeout(apply); // the fields are cleared after this event
  });
  more.addEventListener("click", () => {
    limit = Infinity;
    apply();
  });
  addEventListener("hashchange", () => {
    recall();
    apply();
  });
  addEventListener("beforeprint", () => {
    limit = Infinity;
    apply();
    for (const details of document.querySelectorAll("section > details")) details.open = true;
  });
  addEventListener("afterprint", () => {
    limit = FIRST;
    apply();
  });
  recall();
  apply();
})();
