// A recording at a position: -n … -1 the values of its n nodes, 0 the seed, then the products.

class Recording {
  constructor(data) {
    const array = (i) => content.arrays[i];
    Object.assign(this, data);
    this.seed = array(data.seed);
    this.constants = data.constants.map(array);
    if (data.delta) this.delta = { ...data.delta, arrays: data.delta.arrays.map(array) };
    this.nodes = data.nodes.map((node) => {
      const slope = `d${data.nodes[data.cost].name}/d${node.name}`;
      const gradient = node.delta ? `${node.delta} = ${slope}` : slope;
      const label = node.delta ? `gradient (${node.delta})` : "gradient";
      return { ...node, value: array(node.value), slope, gradient, label };
    });
    this.arrivals = this.nodes.map(() => []);
    this.products = data.products.map((product, i) => {
      this.arrivals[product.to].push(i + 1);
      const [upstream, downstream, accumulated] = product.gradients.map(array);
      const factors = product.factors && product.factors.map(array);
      const derivative = `d${this.nodes[product.node].name}/d${this.nodes[product.to].name}`;
      const local = product.local || derivative;
      const slopes = factors ? full(factors[product.localAt]) : "too large to show";
      const [n, ...others] = upstream.shape;
      const vectors = n > 1 && !others.length && String(downstream.shape) === String([n]);
      const diagonal = vectors && product.sign === "∘";
      const jacobian = diagonal ? slopes.replace(/^\[(.*)\]/, "diag($1)") : slopes;
      return { ...product, upstream, downstream, accumulated, factors, local, jacobian };
    });
  }

  computed(i, position) {
    return i >= this.nodes.length || i - this.nodes.length <= position; // constants always are
  }

  /* What the gradient of a node has accumulated; null before that. */
  received(i, position) {
    const arrived = (this.arrivals[i] || []).filter((each) => each <= position);
    if (arrived.length) return this.products[arrived[arrived.length - 1] - 1].accumulated;
    return i === this.cost && position >= 0 ? this.seed : null;
  }

  current(position) {
    if (position < 0) return this.nodes.length + position;
    return position ? this.products[position - 1].to : this.cost;
  }

  sentence(position) {
    const node = this.nodes[this.current(position)];
    if (position < 0) {
      const given = node.name === node.defined;
      const from = given ? "an input" : `from ${node.defined}`;
      return `Forward: ${node.name} is ${sized(node.value)}, ${from}`;
    }
    if (position === 0) return `Seed: ${node.gradient} = 1, the backward pass starts here`;
    const product = this.products[position - 1];
    const so = product.expected > 1 ? ` (${part(product)})` : "";
    const now = `${node.gradient} = ${brief(product.accumulated)}${so}`;
    const way = `${this.nodes[product.node].name} → ${node.name}`;
    return `Backward: ${way}: ${brief(product.downstream)}; ${now}`;
  }

  /* The product as an equation of matrices; null where its local derivative is too large. */
  equation({ node, to, sign, factors, local, localAt }) {
    if (!factors) return null;
    const upstream = [this.nodes[node].slope, "upstream"];
    const names = [[local, "local"]];
    names.splice(localAt ? 0 : 1, 0, upstream);
    names.push([this.nodes[to].slope, "downstream"]);
    const [left, right, result] = factors.map((array, i) => [array, ...names[i]]);
    return { left, sign, right, result };
  }
}

const part = ({ received, expected }) => `${received} of ${expected}`;
