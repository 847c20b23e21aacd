"use strict";
// Positions: the values of the nodes, the seed, the products. Text goes in as text, never as HTML.

const PACE = 1200; // milliseconds a step is shown while it plays
const content = JSON.parse(document.getElementById("content").textContent);
const { nodes, cost, products } = content;
const seed = nodes.length;
const last = seed + products.length;
const at = Object.fromEntries(
  [...document.querySelectorAll("[id]")].map((element) => [element.id, element]),
);
const brief = (lengths) => lengths[0];
const full = (lengths) => lengths[lengths.length - 1];

let position = content.open;
let kept = null; // the node that was clicked
let timer = null;

function make(tag, text, parent) {
  const element = document.createElement(tag);
  element.textContent = text;
  parent.append(element);
  return element;
}

/* What has happened up to a position. */

const product = (p) => products[p - seed - 1];
const taken = (p) => products.slice(0, Math.max(p - seed, 0));

function received(node) {
  const parts = taken(position).filter((each) => each.to === node);
  if (parts.length) return parts[parts.length - 1].accumulated;
  return node === cost && position >= seed ? ["1"] : null;
}

function sentence() {
  if (position < seed) {
    const { name, defined, value } = nodes[position];
    const given = name === defined;
    return `Forward: ${name} is ${brief(value)}${given ? ", an input" : `, from ${defined}`}`;
  }
  if (position === seed) return `Seed: ${nodes[cost].gradient} = 1, the backward pass starts here`;
  const { node, to, downstream, accumulated, expected } = product(position);
  const so = expected > 1 ? ` (${part(product(position))})` : "";
  const now = `${nodes[to].gradient} = ${brief(accumulated)}${so}`;
  return `Backward: ${nodes[node].name} → ${nodes[to].name}: ${brief(downstream)}; ${now}`;
}

const part = ({ received, expected }) => `${received} of ${expected}`;

/* The drawing. Node i is box n<i>; arrows between the same two boxes are told apart by order, and
   those that flow back by their class. */

const boxes = [];
const arrows = [];

function readDrawing() {
  const madeUp = [...document.querySelectorAll("svg title")];
  for (const group of document.querySelectorAll("svg g.node, svg g.edge")) {
    const title = group.querySelector("title").textContent;
    const box = /^n(\d+)$/.exec(title);
    const ends = /^n(\d+)->n(\d+)$/.exec(title);
    if (box && Number(box[1]) < nodes.length) addBox(group, Number(box[1]));
    if (ends) {
      const [tail, head] = ends.slice(1).map(Number);
      const number = Number(group.id.replace("edge", ""));
      const back = group.classList.contains("gradient");
      arrows.push({ group, tail, head, back, number, text: group.querySelector("text") });
    }
  }
  arrows.sort((a, b) => a.number - b.number);
  for (const title of madeUp) title.remove();
  const svg = document.querySelector("svg");
  if (svg) {
    svg.setAttribute("role", "group");
    svg.setAttribute("aria-label", "Computation graph, each node a button");
  }
}

function addBox(group, i) {
  const lines = [...group.querySelectorAll("text")].slice(-2); // below the name
  const tooltip = document.createElementNS(group.namespaceURI, "title");
  group.prepend(tooltip);
  boxes[i] = { group, tooltip, value: lines[0], gradient: lines[1] };
  group.classList.add("box");
  group.setAttribute("tabindex", "0");
  group.setAttribute("role", "button");
  group.addEventListener("click", () => keep(i));
  group.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    keep(i);
  });
}

function showDrawing(current) {
  const now = position > seed ? product(position) : null;
  boxes.forEach(({ group, tooltip, value, gradient }, i) => {
    const here = received(i);
    const done = i <= position;
    const known = [nodes[i].whole || nodes[i].defined];
    if (done) known.push(full(nodes[i].value));
    if (here) known.push(`${nodes[i].gradient} = ${full(here)}`);
    tooltip.textContent = known.join("\n");
    value.textContent = done ? brief(nodes[i].value) : "";
    gradient.textContent = here
      ? `${nodes[i].label} ${brief(here)}`
      : "";
    group.classList.toggle("later", !done);
    group.classList.toggle("on", i === current);
    group.classList.toggle("from", now !== null && i === now.node);
    group.classList.toggle("kept", i === kept);
    group.setAttribute("aria-pressed", String(i === kept));
    const told = [...group.querySelectorAll("text")].map((line) => line.textContent);
    group.setAttribute("aria-label", told.filter(Boolean).join(" "));
  });
  const done = taken(position);
  const order = new Map(); // how many arrows between the same boxes came before
  for (const { group, tail, head, back, text } of arrows) {
    const ends = `${tail} ${head} ${back}`;
    const before = order.get(ends) || 0;
    order.set(ends, before + 1);
    const mine = (each) => each.node === head && each.to === tail && each.arrow === before;
    const found = done.find(mine);
    if (text) text.textContent = found ? brief(found.downstream) : "";
    group.classList.toggle("later", back ? !found : head > position);
    group.classList.toggle("on", back && now !== null && mine(now));
  }
  if (boxes[current]) reveal(boxes[current].group);
}

function reveal(group) {
  const view = at.drawing.getBoundingClientRect();
  const box = group.getBoundingClientRect();
  if (box.top < view.top || box.bottom > view.bottom) {
    at.drawing.scrollTop += (box.top + box.bottom - view.top - view.bottom) / 2;
  }
  if (box.left < view.left || box.right > view.right) {
    at.drawing.scrollLeft += (box.left + box.right - view.left - view.right) / 2;
  }
}

/* The node beside it. */

function showNode(i) {
  const node = nodes[i];
  at.name.textContent = node.defined;
  at.equation.textContent = node.equation;
  at.facts.replaceChildren();
  const fact = (term, ...texts) => {
    make("dt", term, at.facts);
    for (const text of texts) make("dd", text, at.facts);
  };
  if (node.whole) fact("name", node.whole);
  fact("value", i <= position ? full(node.value) : "not computed yet");
  const own = products.filter((each) => each.node === i);
  if (own.length) {
    fact("local Jacobians", ...own.map((each) => `${each.derivative} = ${each.local}`));
  }
  const here = received(i);
  const parts = products.filter((each) => each.to === i);
  const none =
    parts.length || i === cost ? "not computed yet" : "none, no derivative of the cost reaches it";
  fact(`gradient, ${node.gradient}`, here ? full(here) : none);
  const shown = parts.map((each) => {
    const text = taken(position).includes(each) ? full(each.downstream) : "not computed yet";
    return `from ${nodes[each.node].name}: ${text}`;
  });
  if (shown.length) fact(`contributions, ${shown.length}`, ...shown);
  if (position > seed) {
    const now = product(position);
    const { gradient } = nodes[now.node];
    if (i === now.to || i === now.node) {
      fact(
        "this step",
        `upstream ${gradient} = ${full(now.upstream)}`,
        `local ${now.derivative} = ${now.local}`,
        `downstream → ${nodes[now.to].name} = ${full(now.downstream)}`,
      );
    }
  }
}

/* The tables. */

const rows = [];

function table(element, heads, lines, first) {
  const head = make("tr", "", make("thead", "", element));
  for (const text of heads) make("th", text, head).scope = "col";
  const body = make("tbody", "", element);
  lines.forEach((cells, i) => {
    const row = make("tr", "", body);
    const button = make("button", String(first + i + 1), make("td", "", row));
    button.type = "button";
    button.setAttribute("aria-label", `Go to step ${first + i + 1}`);
    button.addEventListener("click", () => go(first + i));
    for (const text of cells) make("td", text, row);
    rows[first + i] = row;
  });
}

function fillTables() {
  table(
    at.values,
    ["step", "node", "value", "in the book"],
    nodes.map((node) => [node.defined, full(node.value), node.equation]),
    0,
  );
  const lines = products.map((each) => [
    nodes[each.node].name,
    full(each.upstream),
    `${each.derivative} = ${each.local}`,
    nodes[each.to].name,
    full(each.downstream),
    `${full(each.accumulated)}${each.expected > 1 ? ` (${part(each)})` : ""}`,
  ]);
  lines.unshift(["seed", "", "", nodes[cost].name, "1", "1"]);
  const heads = ["step", "node", "upstream", "local Jacobian", "→", "downstream", "accumulated"];
  table(at.products, heads, lines, seed);
}

/* Moving. */

function show() {
  const current = position < seed ? position : position === seed ? cost : product(position).to;
  at.position.textContent = `step ${position + 1} of ${last + 1}`;
  at.slider.value = String(position);
  at.said.textContent = sentence();
  at.slider.setAttribute("aria-valuetext", at.said.textContent);
  at.previous.disabled = position === 0;
  at.next.disabled = position === last;
  rows.forEach((row, i) => {
    if (i === position) row.setAttribute("aria-current", "step");
    else row.removeAttribute("aria-current");
  });
  showDrawing(current);
  showNode(kept === null ? current : kept);
}

function go(p) {
  position = Math.min(Math.max(p, 0), last);
  if (position === last) pause();
  show();
}

function keep(i) {
  kept = kept === i ? null : i;
  show();
}

function pause() {
  clearInterval(timer);
  timer = null;
  at.play.textContent = "Play";
}

function play() {
  if (timer !== null) return pause();
  if (position === last) go(0);
  timer = setInterval(() => go(position + 1), PACE);
  at.play.textContent = "Pause";
}

const KEYS = {
  ArrowLeft: () => go(position - 1),
  ArrowRight: () => go(position + 1),
  Home: () => go(0),
  End: () => go(last),
  " ": play,
  Escape: () => keep(kept),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
  if (event.target === at.slider && event.key !== " ") return; // it knows these keys itself
  if (event.target.matches(".scroll") && event.key !== " ") return;
  if (event.target.matches("button") && event.key === " ") return;
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
at.slider.addEventListener("input", () => go(Number(at.slider.value)));
at.previous.addEventListener("click", () => go(position - 1));
at.next.addEventListener("click", () => go(position + 1));
at.play.addEventListener("click", play);

at.slider.max = String(last);
readDrawing();
fillTables();
show();
