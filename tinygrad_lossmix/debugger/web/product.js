// One product as matrices: two factors and what they give, the row and column of an entry lit up.

const LARGEST_CELL = 64; // pixels
const HINT = "Point at an entry, or reach it with Tab and the arrow keys, to see what it is made of.";

/* What an entry is made of, number by number. */
function madeOf(terms) {
  const closed = (text) => (text[0] === "-" ? `(${text})` : text);
  return terms.map((pair) => (pair ? pair.map(closed).join(" · ") : "…")).join(" + ");
}

class Equation {
  constructor(parent, { left, sign, right, result }) {
    this.sign = sign;
    this.element = make("div", parent, "", sign === "@" ? "falk" : "entrywise");
    const given = { left, above: right, result };
    if (sign === "@") make("span", this.element, sign, "sign");
    const parts = sign === "@" ? ["above", "left", "result"] : ["left", "above", "result"];
    for (const part of parts) {
      const around = sign === "@" ? this.element : make("div", this.element);
      const before = { left: "", above: sign, result: "=" }[part];
      if (sign !== "@") make("span", around, before, "sign");
      this[part] = new Matrix(around, ...given[part]);
      this[part].element.classList.add(part);
    }
    this.all = parts.map((part) => this[part]);
    this.note = make("p", parent, HINT, "entry");
    this.note.setAttribute("aria-live", "polite");
    const found = (event) => this.all.map((matrix) => matrix.at.get(event.target.closest("td")));
    for (const kind of ["pointerover", "focusin"]) {
      this.element.addEventListener(kind, (event) => this.show(found(event).find(Boolean)));
    }
    for (const kind of ["pointerleave", "focusout"]) {
      this.element.addEventListener(kind, () => this.show(null));
    }
  }

  /* Room for all columns: those of a matrix product stand below each other. */
  size(room) {
    const { all, left, result } = this;
    if (this.sign === "@") {
      const columns = left.columns.length + result.columns.length;
      const fits = Math.min(Math.floor((room - 48) / columns), LARGEST_CELL);
      const pixels = plain() ? Math.max(fits, ...all.map((matrix) => matrix.wide)) : fits;
      return all.forEach((matrix) => matrix.size(pixels));
    }
    const columns = all.reduce((sum, matrix) => sum + matrix.columns.length, 0);
    const beside = Math.floor((room - 76) / columns) - 1; // 76: signs and gaps
    const widths = all.map(({ columns, named }) => Math.max(columns.length * beside, named));
    const wide = widths.reduce((a, b) => a + b) + 76;
    const fits = wide <= room && all.every((matrix) => matrix.wide <= beside);
    this.element.classList.toggle("stacked", !fits);
    for (const matrix of all) {
      const below = Math.floor((room - 40) / matrix.columns.length) - 1;
      matrix.size(Math.min(fits ? beside : below, LARGEST_CELL));
    }
  }

  show(cell) {
    if (cell === undefined) return;
    this.element.classList.toggle("pointed", cell !== null);
    for (const { cells } of this.all) {
      for (const { element } of cells) element.classList.remove("lit", "here");
    }
    this.note.textContent = cell === null ? HINT : this.sentence(cell);
    if (cell === null) return;
    const { row, column, matrix } = cell;
    const { left, above, result } = this;
    if (this.sign === "@") {
      const along = matrix === above ? null : row;
      const down = matrix === left ? null : column;
      const inner = matrix === left ? column : matrix === above ? row : null;
      left.light(along, inner);
      above.light(inner, down);
      result.light(along, down);
    } else {
      const [height, width] = matrix.array.view;
      for (const each of this.all) each.light(height > 1 ? row : null, width > 1 ? column : null);
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
    const only = (i, n) => (n === 1 ? 0 : i);
    const number = (matrix, i, j) => {
      const [height, width] = matrix.array.view;
      return matrix.cell(only(i, height), only(j, width)).text;
    };
    if (sign === "@") {
      const term = (k) => [number(left, row, k), number(above, k, column)];
      return left.columns.map((k) => (k === null ? null : term(k)));
    }
    const [height, width] = result.array.view;
    const along = (axis, n, i) => (n > 1 ? [i] : left[axis].length > 1 ? left[axis] : above[axis]);
    const [rows, columns] = [along("rows", height, row), along("columns", width, column)];
    if ([...rows, ...columns].includes(null) || rows.length * columns.length > FEW) return null;
    return rows.flatMap((i) => columns.map((j) => [number(left, i, j), number(above, i, j)]));
  }
}

