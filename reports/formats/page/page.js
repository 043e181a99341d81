"use strict";
(() => {
  const FIRST = 25; // rows in the page at once: a filter answers within a tenth of a second
  const table = document.getElementById("measurements");
  if (!table) return;
  document.documentElement.classList.add("js");
  const body = table.tBodies[0];
  const form = document.getElementById("filters");
  const selects = [...form.querySelectorAll("select:enabled")];
  const search = form.elements.namedItem("search");
  const count = document.getElementById("count");
  const more = document.getElementById("more");
  const headers = [...table.tHead.rows[0].cells];
  const names = headers.map((header) => header.textContent.trim());
  const rows = [...body.rows].map((element, number) => {
    const cells = [...element.cells];
    const texts = cells.map((cell) => cell.textContent);
    const keys = cells.map((cell, i) => ("key" in cell.dataset ? Number(cell.dataset.key) : texts[i]));
    return { element, number, texts, keys, all: texts.join(" ").toLowerCase() };
  });
  const alphabet = new Intl.Collator(undefined, { numeric: true });
  let order = rows;
  let found = rows; // those that match, in order
  let limit = FIRST;
  let asked; // the filters, when they were last answered

  function matching() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const exact = selects
      .filter((select) => select.value !== "")
      .map((select) => [names.indexOf(select.name), select.value]);
    if (!words.length && !exact.length) return order;
    return order.filter(
      (row) =>
        exact.every(([column, value]) => row.texts[column] === value) &&
        words.every((word) => row.all.includes(word)),
    );
  }

  function apply() {
    found = matching();
    show(limit);
  }

  function show(most) {
    // The others are not even in the document: browsers look at every row that is.
    const some = found.slice(0, most);
    body.replaceChildren(...some.map((row) => row.element));
    const all = `${rows.length} row${rows.length === 1 ? "" : "s"}`;
    const left = found.length > some.length;
    count.textContent =
      (found.length === rows.length ? all : `${found.length} of ${all}`) +
      (left ? `, the first ${some.length} shown` : "");
    more.hidden = !left;
  }

  function filter() {
    const fields = [...new FormData(form)].filter(([, value]) => value !== "");
    const wanted = new URLSearchParams(fields).toString();
    if (wanted === asked) return; // browsers tell of one choice by two events
    asked = wanted;
    limit = FIRST;
    apply();
    if (wanted || location.hash.includes("=")) history.replaceState(null, "", `#${wanted}`);
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
      const apart = typeof a === "number" ? a - b : alphabet.compare(a, b);
      return (mixed || sign * apart) || one.number - two.number;
    };
  }

  function sort(column) {
    const up = headers[column].getAttribute("aria-sort") !== "ascending";
    headers.forEach((header, i) => {
      if (header.hasAttribute("aria-sort"))
        header.setAttribute("aria-sort", i === column ? (up ? "ascending" : "descending") : "none");
    });
    order = [...rows].sort(compare(column, up ? 1 : -1));
    apply();
  }

  // An open row's panel lies across the whole table, below the row's line; the row makes room for it.
  const room = new ResizeObserver((entries) => {
    for (const { target } of entries)
      target.closest("details").style.setProperty("--room", `${target.offsetHeight}px`);
  });

  function unfold(details) {
    const panel = details.querySelector(".panel");
    details.closest("tr").classList.toggle("open", details.open);
    room[details.open ? "observe" : "unobserve"](panel);
    panel.querySelector(".cut")?.remove();
    if (details.open) panel.prepend(whatIsCut(details));
  }

  function whatIsCut(details) {
    // What the row's line has no room for, in words.
    const cut = document.createElement("div");
    cut.className = "cut";
    const line = details.querySelector("summary");
    if (line.scrollWidth > line.clientWidth)
      cut.append(Object.assign(document.createElement("p"), { textContent: line.textContent }));
    const list = document.createElement("dl");
    for (const cell of details.closest("tr").cells) {
      const whole = cell.offsetParent && cell.scrollWidth <= cell.clientWidth;
      if (cell.className === "why" || whole || cell.textContent === "-") continue;
      const pair = document.createElement("div");
      pair.append(
        Object.assign(document.createElement("dt"), { textContent: cell.dataset.label }),
        " ",
        Object.assign(document.createElement("dd"), { textContent: cell.textContent }),
      );
      list.append(pair);
    }
    if (list.children.length) cut.append(list);
    return cut;
  }

  headers.forEach((header, column) => {
    header.querySelector("button")?.addEventListener("click", () => sort(column));
  });
  body.addEventListener("toggle", (event) => unfold(event.target), true);
  for (const event of ["input", "change"]) form.addEventListener(event, filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter)); // the fields are cleared after this event
  more.addEventListener("click", () => {
    const next = found[limit];
    limit = Infinity;
    apply();
    next.element.querySelector("summary").focus({ preventScroll: true }); // the button is gone
  });
  addEventListener("hashchange", () => {
    recall();
    filter();
  });

  let closed = [];
  function onPaper(printed) {
    // Every row that matches, and every table.
    show(printed ? Infinity : limit);
    if (printed) closed = [...document.querySelectorAll("section > details:not([open])")];
    for (const details of closed) details.open = printed;
  }
  addEventListener("beforeprint", () => onPaper(true));
  addEventListener("afterprint", () => onPaper(false));
  matchMedia("print").addEventListener("change", (event) => onPaper(event.matches));
  recall();
  filter();
})();
