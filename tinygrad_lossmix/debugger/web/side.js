// One recording on the screen: its drawing, the current product as matrices, a node, two tables.

class Side {
  constructor(data, suffix) {
    this.recording = new Recording(data);
    this.at = elements(suffix);
    this.kept = null; // the node that was chosen
    this.sized = [];
    const svg = this.at.pane.querySelector("svg");
    if (svg) {
      this.drawing = new Drawing(svg, this.recording, (i) => this.keep(i));
      this.view = new View(this.at.pane, svg);
    }
    this.tables();
    this.at.values.closest("details").addEventListener("toggle", ({ target }) => {
      if (target.open) target.scrollIntoView();
    });
    new ResizeObserver(([{ contentRect }]) => {
      const style = getComputedStyle(this.at.details);
      Matrix.letter = LETTER * parseFloat(style.getPropertyValue("--number"));
      this.room = contentRect.width;
      this.resize();
    }).observe(this.at.details);
  }

  keep(i) {
    this.kept = this.kept === i ? null : i;
    refresh();
  }

  /* Whether a position is passed over: inside a group that is closed. */
  passed(position) {
    if (!this.drawing) return false;
    if (position > 0) return this.drawing.covers(this.recording.products[position - 1]);
    const i = this.recording.current(position);
    const cover = this.drawing.cover(i);
    return position < 0 && cover !== undefined && cover.output !== i;
  }

  show(position) {
    const current = this.recording.current(position);
    this.position = position;
    this.sized = [];
    this.showProduct(position);
    this.showDelta(position);
    this.showNode(this.kept === null ? current : this.kept, position);
    this.resize();
    this.rows.forEach((row, i) => {
      if (i === position + this.recording.nodes.length) row.setAttribute("aria-current", "step");
      else row.removeAttribute("aria-current");
    });
    if (this.drawing) this.view.follow(this.drawing.show(position, current, this.kept));
  }

  resize() {
    if (this.room) for (const each of this.sized) each.size(this.room);
  }

  /* Matrices beside each other; of one entry, too. */
  matrices(parent, ...arrays) {
    if (!arrays.length) return;
    const row = make("div", parent, "", "beside");
    for (const [array, name, role] of arrays) {
      const matrix = new Matrix(row, array, name, role);
      const pixels = (room) => Math.min((room - 24) / matrix.columns.length, LARGEST_CELL);
      this.sized.push({ size: (room) => matrix.size(pixels(room)) });
    }
  }

  showProduct(position) {
    const { recording, at } = this;
    const node = recording.nodes[recording.current(position)];
    at.product.replaceChildren();
    at.line.textContent = "";
    if (position <= 0) {
      at.rule.textContent = position ? node.defined : `${node.slope} = 1`;
      const count = recording.products.length;
      const steps = `The backward pass takes ${count} products from here, each with Next or →.`;
      const words = `Every value is computed. ${count ? steps : "There is nothing to pass back to."}`;
      if (position === 0) make("p", at.product, words);
      const from = position ? node.args.map((i) => recording.nodes[i]) : [];
      return this.matrices(at.product, ...from.map((arg) => [arg.value, arg.name, "from"]));
    }
    const product = recording.products[position - 1];
    at.rule.textContent = `${node.slope} ${product.received > 1 ? "+=" : "="} ${product.rule}`;
    at.line.textContent = recording.nodes[product.node].line;
    if (product.expected > 1) {
      make("p", at.product, `contribution ${part(product)} to ${node.slope}`, "quiet");
    }
    const equation = recording.equation(product);
    if (equation) this.sized.push(new Equation(at.product, equation));
    else {
      const upstream = [product.upstream, recording.nodes[product.node].slope, "upstream"];
      this.matrices(at.product, upstream, [product.downstream, node.slope, "downstream"]);
    }
    if (product.expected > 1) {
      this.matrices(at.product, [product.accumulated, node.slope, `accumulated, ${part(product)}`]);
    }
  }

  /* The gradient of the logits beside a - y, once it is complete. */
  showDelta(position) {
    const { delta, products } = this.recording;
    this.at.delta.replaceChildren();
    if (!delta || (position !== delta.complete && position !== products.length)) return;
    make("h3", this.at.delta, `${delta.name} beside ${delta.difference}`);
    const [gradient, difference] = delta.arrays;
    const other = [difference, delta.difference, "output minus label"];
    this.matrices(this.at.delta, [gradient, delta.name, "gradient"], other);
    make("p", this.at.delta, delta.words);
  }

  showNode(i, position) {
    const { recording, at } = this;
    const node = recording.nodes[i];
    at.name.textContent = node.defined;
    at.equation.textContent = [node.equation, node.line].filter(Boolean).join(" · ");
    at.facts.replaceChildren();
    at.arrays.replaceChildren();
    const fact = (term, ...texts) => {
      make("dt", at.facts, term);
      for (const text of texts) make("dd", at.facts, text);
    };
    if (node.whole) fact("name", node.whole);
    const back = recording.received(i, position);
    const parts = recording.products.filter((each) => each.to === i);
    const done = recording.computed(i, position);
    const comes = parts.length || i === recording.cost;
    const none = comes ? "not computed yet" : "none, no derivative of the cost reaches it";
    const arrays = [];
    if (done) arrays.push([node.value, node.name, "value"]);
    else fact("value", "not computed yet");
    if (back) arrays.push([back, node.gradient, "gradient"]);
    else fact(`gradient, ${node.gradient}`, none);
    this.matrices(at.arrays, ...arrays);
    const taken = (each) => recording.products.indexOf(each) < position;
    const shown = parts.map((each) => {
      const text = taken(each) ? full(each.downstream) : "not computed yet";
      return `from ${recording.nodes[each.node].name}: ${text}`;
    });
    if (shown.length) fact(`contributions, ${shown.length}`, ...shown);
    const own = recording.products.filter((each) => each.node === i);
    const local = (each) => `${each.local} = ${each.jacobian}`;
    if (own.length) fact("local Jacobians", ...own.map(local));
  }

  tables() {
    const { nodes, products, cost } = this.recording;
    this.rows = [];
    const table = (element, heads, lines, from) => {
      const head = make("tr", make("thead", element));
      for (const text of heads) make("th", head, text).scope = "col";
      const body = make("tbody", element);
      lines.forEach((cells, i) => {
        const row = make("tr", body);
        const name = `${from ? "forward" : "step"} ${i + 1}`;
        const button = make("button", make("td", row), name.replace(/^step /, ""));
        button.type = "button";
        button.setAttribute("aria-label", `Go to ${name}`);
        button.addEventListener("click", () => goTo(this, from + i));
        for (const text of cells) make("td", row, text);
        this.rows.push(row);
      });
    };
    const values = nodes.map((node) => [node.defined, full(node.value), node.equation, node.line]);
    table(this.at.values, ["step", "node", "value", "in the book", "line"], values, -nodes.length);
    const lines = products.map((each) => [
      nodes[each.node].name,
      full(each.upstream),
      `${each.local} = ${each.jacobian}`,
      nodes[each.to].name,
      full(each.downstream),
      `${full(each.accumulated)}${each.expected > 1 ? ` (${part(each)})` : ""}`,
    ]);
    lines.unshift(["seed", "", "", nodes[cost].name, "1", "1"]);
    const heads = ["step", "node", "upstream", "local Jacobian", "→", "downstream", "accumulated"];
    table(this.at.products, heads, lines, 0);
  }
}
