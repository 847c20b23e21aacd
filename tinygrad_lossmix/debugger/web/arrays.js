"use strict";
// Arrays as tables of coloured cells, their numbers in them where they fit. Text goes in as text.

const FEW = 12; // rows or columns that are all shown; of more, so many at each end:
const [HEAD, TAIL] = [6, 5];
const LETTER = 0.585; // width of a digit, in font sizes

const content = JSON.parse(document.getElementById("content").textContent);
const brief = (array) => array.text[0];
const full = (array) => array.text[array.text.length - 1];
const shapeOf = ({ shape }) => `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
const sized = (array) => brief(array) + (array.shape.length > 1 ? ` ${shapeOf(array)}` : "");

function make(tag, parent, text = "", kind = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (kind) element.className = kind;
  parent.append(element);
  return element;
}

/* The indices along an axis that are shown; null where some are left out. */
function seen(n) {
  const all = (count, from = 0) => [...Array(count).keys()].map((i) => from + i);
  return n <= FEW ? all(n) : [...all(HEAD), null, ...all(TAIL, n - TAIL)];
}

/* `[1, 2]` of the entry in a row and a column. */
function subscript({ shape, view }, row, column) {
  if (!shape.length) return "";
  let rest = row * view[1] + column;
  const places = [...shape].reverse().map((n) => {
    const place = rest % n;
    rest = Math.floor(rest / n);
    return place;
  });
  return `[${places.reverse().join(", ")}]`;
}

/* Each number as a part of the largest one, -1 … 1: infinity and True are 1, NaN 0. */
function shades({ cells }) {
  const value = (text) => (text === "True" ? 1 : Number(text.replace("inf", "Infinity")) || 0);
  const numbers = cells.map(value);
  const largest = Math.max(...numbers.map(Math.abs).filter(Number.isFinite), 0) || 1;
  return numbers.map((x) => Math.min(Math.max(x / largest, -1), 1));
}

/* The elements of the page by their ids, as they are called on the first side. */
function elements(suffix = "") {
  return new Proxy({}, { get: (_, id) => document.getElementById(id + suffix) });
}

const plain = () => document.body.classList.contains("numbers");

class Matrix {
  constructor(parent, array, name, role) {
    Object.assign(this, { array, name, rows: seen(array.view[0]), columns: seen(array.view[1]) });
    this.element = make("div", parent, "", "matrix");
    const caption = make("p", this.element, "", "caption");
    make("span", caption, role, "role");
    const shape = array.shape.length ? ` ${shapeOf(array)}` : "";
    make("span", caption, name + shape, "named");
    this.cells = [];
    this.at = new Map(); // from an element to its cell
    const table = make("table", this.element);
    table.setAttribute("aria-label", `${role} ${name}${shape}`);
    if (!array.cells.length) return;
    table.setAttribute("role", "grid");
    this.fill(make("tbody", table));
    this.cells[0].element.tabIndex = 0;
    table.addEventListener("keydown", (event) => this.move(event));
  }

  fill(body) {
    const numbers = this.array.cells[Symbol.iterator]();
    const colours = shades(this.array)[Symbol.iterator]();
    const { shape, view } = this.array;
    const height = shape.length > 2 && shape.at(-1) === view[1] ? shape.at(-2) : Infinity;
    for (const row of this.rows) {
      const line = make("tr", body, "", row && row % height === 0 ? "next" : ""); // of a stack
      for (const column of this.columns) {
        const element = make("td", line);
        if (row === null || column === null) {
          element.textContent = column !== null ? "⋮" : row !== null ? "⋯" : "⋱";
          element.className = "out";
          element.title = "left out here";
          continue;
        }
        const text = numbers.next().value;
        const cell = { matrix: this, element, row, column, text };
        this.paint(cell, colours.next().value);
        this.cells.push(cell);
        this.at.set(element, cell);
      }
    }
  }

  cell(row, column) {
    return this.cells.find((cell) => cell.row === row && cell.column === column);
  }

  paint({ element, row, column, text }, shade) {
    make("span", element, text);
    element.tabIndex = -1;
    element.title = `${this.name}${subscript(this.array, row, column)} = ${text}`;
    element.dataset.brief = shorter(text);
    if (text === "nan") return element.classList.add("nan");
    element.classList.add(shade < 0 ? "negative" : "positive");
    element.style.setProperty("--shade", `${Math.round(Math.abs(shade) * 100)}%`);
  }

  static letter = 6; // pixels, of a digit

  /* The width of its name. */
  get named() {
    return 1.2 * Matrix.letter * (this.name.length + shapeOf(this.array).length + 1);
  }

  /* The room that the widest number takes, in pixels. */
  get wide() {
    return Math.max(...this.array.cells.map(Matrix.room), 0);
  }
  static room(text) {
    return 6 + Matrix.letter * text.length;
  }

  /* Give each cell that many pixels: for all numbers, else for those that fit with two digits; for
  none where most of them, zeros aside, do not. */
  size(pixels) {
    const { wide } = this;
    const room = plain() ? Math.max(wide, pixels) : pixels;
    this.element.style.setProperty("--cell", `${room}px`);
    this.element.classList.toggle("narrow", wide > room);
    const fits = ({ element }) => Matrix.room(element.dataset.brief) <= room;
    const told = this.cells.filter(({ text }) => text !== "0");
    const few = 2 * told.filter(fits).length < told.length;
    for (const cell of this.cells) cell.element.classList.toggle("tight", few || !fits(cell));
  }

  /* Light up a row, a column, an entry; null is all of an axis, as where this has but one. */
  light(row, column) {
    const [height, width] = this.array.view;
    for (const cell of this.cells) {
      const inRow = row === null || height === 1 || cell.row === row;
      const inColumn = column === null || width === 1 || cell.column === column;
      cell.element.classList.toggle("lit", inRow && inColumn);
    }
  }

  move(event) {
    const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const from = this.at.get(event.target);
    if (!from || !steps[event.key] || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    const next = (axis, value, by) => {
      const all = axis.filter((i) => i !== null);
      return all[all.indexOf(value) + by];
    };
    const [down, right] = steps[event.key];
    const to = this.cell(next(this.rows, from.row, down), next(this.columns, from.column, right));
    if (!to) return;
    from.element.tabIndex = -1;
    to.element.tabIndex = 0;
    to.element.focus();
  }
}

/* A number with two digits, where that is shorter. */
function shorter(text) {
  const x = Number(text);
  if (!Number.isFinite(x)) return text;
  const forms = [text, String(Number(x.toPrecision(2))), x.toExponential(1).replace("+", "")];
  return forms.reduce((a, b) => (b.length < a.length ? b : a));
}
