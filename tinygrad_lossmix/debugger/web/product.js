// One product as matrices: two factors and what they give, the row and column of an entry lit up.

const LARGEST_CELL = 64; // pixels
const HINT = "Point at an entry, or reach it with Tab and the arrow keys, to see what it is made of.";

/* What an entry is made of, number by number. */
function madeOf(terms) {
  return terms
    .map((pair) => (pair === null ? "…" : pair.map((text) => (text[0] === "-" ? `(${text})` : text)).join(" · ")))
    .join(" + ");
}

class Equation {
  constructor(parent, { left, sign, right, result }) {
    this.sign = sign;
    this.parts = sign === "@" ? ["above", "left", "result"] : ["left", "above", "result"];
    this.element = make("div", parent, "", sign === "@" ? "falk" : "entrywise");
    const given = { left, above: right, result };
    if (sign === "@") make("span", this.element, sign, "sign corner");
    for (const part of this.parts) {
      const around = sign === "@" ? this.element : make("div", this.element);
      const before = { left: "", above: sign, result: "=" }[part];
      if (sign !== "@") make("span", around, before, "sign");
      this[part] = new Matrix(around, ...given[part]);
      this[part].element.classList.add(part);
    }
    this.note = make("p", parent, HINT, "entry");
    this.note.setAttribute("aria-live", "polite");
    const found = (event) => this.parts.map((part) => this[part].at.get(event.target.closest("td")));
    for (const kind of ["pointerover", "focusin"]) {
      this.element.addEventListener(kind, (event) => this.show(found(event).find(Boolean)));
    }
    for (const kind of ["pointerleave", "focusout"]) {
      this.element.addEventListener(kind, () => this.show(null));
    }
  }

  /* Room for all columns: those of a matrix product stand below each other. */
  size(room) {
    const { left, above, result } = this;
    const all = [left, above, result];
    if (this.sign === "@") {
      const columns = left.columns.length + Math.max(above.columns.length, result.columns.length);
      const pixels = Math.min(Math.floor((room - 48) / columns), LARGEST_CELL);
      return all.forEach((matrix) => matrix.size(pixels));
    }
    const columns = all.reduce((sum, matrix) => sum + matrix.columns.length, 0);
    const beside = Math.floor((room - 56) / columns);
    const fits = all.every((matrix) => matrix.wide <= beside);
    this.element.classList.toggle("stacked", !fits);
    for (const matrix of all) {
      const below = Math.floor((room - 30) / matrix.columns.length);
      matrix.size(Math.min(fits ? beside : below, LARGEST_CELL));
    }
  }

  show(cell) {
    if (cell === undefined) return;
    this.element.classList.toggle("pointed", cell !== null);
    for (const part of this.parts) for (const each of this[part].cells) each.element.classList.remove("lit", "here");
    this.note.textContent = cell === null ? HINT : this.sentence(cell);
    if (cell === null) return;
    const { row, column, matrix } = cell;
    if (this.sign !== "@") {
      const [height, width] = matrix.array.view;
      this.parts.forEach((part) => this[part].light(height > 1 ? row : null, width > 1 ? column : null));
    } else if (matrix === this.result) {
      this.left.light(row, null);
      this.above.light(null, column);
      this.result.light(row, column);
    } else {
      const inner = matrix === this.left ? column : row;
      this.left.light(matrix === this.left ? row : null, inner);
      this.above.light(inner, matrix === this.above ? column : null);
      this.result.light(matrix === this.left ? row : null, matrix === this.above ? column : null);
    }
    cell.element.classList.add("here");
  }

  sentence({ matrix, row, column, text }) {
    const name = `${matrix.name}${subscript(matrix.array, row, column)}`;
    if (matrix !== this.result) return `${name} = ${text}`;
    const terms = this.terms(row, column);
    return `${name} = ${terms ? `${madeOf(terms)} = ` : ""}${text}`;
  }

  /* The products whose sum is an entry of the result; null where some are left out. */
  terms(row, column) {
    const { left, above, result, sign } = this;
    const number = (matrix, i, j) => matrix.cells.find((cell) => cell.row === i && cell.column === j).text;
    if (sign === "@") {
      return left.columns.map((k) => (k === null ? k : [number(left, row, k), number(above, k, column)]));
    }
    const [height, width] = result.array.view;
    const rows = height === 1 ? left.rows : [row];
    const columns = width === 1 ? left.columns : [column];
    if (![...rows, ...columns].includes(null)) {
      const fits = rows.length * columns.length <= FEW;
      return fits && rows.flatMap((i) => columns.map((j) => [number(left, i, j), number(above, i, j)]));
    }
    return null;
  }
}

