"use strict";
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// Tables: a click on a head sorts by the cells' data-value, or by their words.
for (const head of all("th[data-sort]")) {
  head.querySelector("button").addEventListener("click", () => {
    const table = head.closest("table"), body = table.tBodies[0], column = head.cellIndex;
    const up = head.getAttribute("aria-sort") !== "ascending";
    all("th[aria-sort]", table).forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = row => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
    const order = (a, b) => {
      const [x, y] = [key(a), key(b)], [p, q] = [Number(x), Number(y)];
      if (x === "" || y === "") return (x === "") - (y === ""); // no value: always last
      const found = Number.isNaN(p) || Number.isNaN(q) ? x.localeCompare(y, undefined, { numeric: true }) : p - q;
      return up ? found : -found;
    };
    body.append(...[...body.rows].sort(order));
  });
}

// Filters: a row stays when it holds every word typed.
for (const box of all("input[data-filters]")) {
  const rows = [...document.getElementById(box.dataset.filters).tBodies[0].rows];
  const texts = rows.map(row => row.textContent.toLowerCase());
  const count = document.getElementById(box.dataset.filters + "-count");
  box.addEventListener("input", () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let kept = 0;
    rows.forEach((row, at) => { const on = words.every(word => texts[at].includes(word)); row.hidden = !on; kept += on; });
    count.textContent = `${kept.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows`;
  });
}

// Legends: a click shows or hides an arm in the figures of that section.
for (const button of all(".legend button")) {
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") === "false";
    button.setAttribute("aria-pressed", String(on));
    all(`svg [data-arm="${button.dataset.arm}"]`, button.closest("section")).forEach(mark => mark.classList.toggle("off", !on));
  });
}

// Pickers: one panel at a time. Without this script all panels show, each under its own heading.
for (const picked of all(".picked")) {
  const panels = all(":scope > .panel", picked), row = document.createElement("div");
  if (panels.length < 2) continue;
  row.className = "picker";
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", picked.dataset.label);
  const show = chosen => panels.forEach((panel, at) => {
    panel.hidden = at !== chosen;
    row.children[at].setAttribute("aria-pressed", String(at === chosen));
  });
  panels.forEach((panel, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = panel.dataset.name;
    button.addEventListener("click", () => show(at));
    row.append(button);
  });
  picked.prepend(row);
  show(0);
}

// Contents: the section in view is marked.
const links = new Map(all(".contents a").map(link => [link.hash.slice(1), link]));
const mark = () => {
  let current = null;
  for (const section of all("main section[id]")) if (section.getBoundingClientRect().top < innerHeight * 0.35) current = section.id;
  links.forEach((link, id) => {
    const on = id === current;
    if (on === link.hasAttribute("aria-current")) return;
    on ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
    const row = link.closest("ol");
    if (on && row.scrollWidth > row.clientWidth) row.scrollLeft = link.offsetLeft - 20;
  });
};
addEventListener("scroll", () => requestAnimationFrame(mark), { passive: true });
mark();
