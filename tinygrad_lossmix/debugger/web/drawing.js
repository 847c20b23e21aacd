// The drawing: boxes, arrows, groups that open and close. Node i is box n<i>, group i cluster_<i>.

const LEVELS = 5; // of colour in a box

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function press(element, act) {
  element.setAttribute("tabindex", "0");
  element.setAttribute("role", "button");
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });
}

/* What the outline of a box or a frame takes, from its numbers: asking for it costs a layout. */
function bounds(group) {
  const shape = group.querySelector("path, polygon, ellipse");
  const [cx, cy, rx, ry] = ["cx", "cy", "rx", "ry"].map((name) => Number(shape.getAttribute(name)));
  if (rx) return { x: cx - rx, y: cy - ry, width: 2 * rx, height: 2 * ry };
  const outline = shape.getAttribute("d") || shape.getAttribute("points");
  const numbers = outline.match(/-?[\d.]+/g).map(Number);
  const [xs, ys] = [0, 1].map((odd) => numbers.filter((_, i) => i % 2 === odd));
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

class Drawing {
  constructor(svg, recording, chosen) {
    Object.assign(this, { svg, recording, chosen, boxes: [], arrows: [], closed: new Set() });
    this.groups = recording.groups.map((group) => ({ ...group, inside: new Set(group.boxes) }));
    const [titles, order] = [[...svg.querySelectorAll("title")], new Map()];
    const number = (text) => Number(/\d+$/.exec(text));
    const drawn = [...svg.querySelectorAll("g.node, g.edge, g.cluster")];
    for (const group of drawn.sort((a, b) => number(a.id) - number(b.id))) {
      const title = group.querySelector("title").textContent;
      const ends = [...title.matchAll(/n(\d+)/g)].map((match) => Number(match[1]));
      if (group.matches(".cluster")) this.addGroup(group, number(title));
      else if (ends.length < 2) this.addBox(group, ends[0]);
      else this.addArrow(group, ends.sort((a, b) => a - b), order);
    }
    for (const title of titles) title.remove();
    svg.setAttribute("role", "group");
    svg.setAttribute("aria-label", "Computation graph, each node a button");
  }

  draw(parent, tag, attributes = {}) {
    const element = document.createElementNS(this.svg.namespaceURI, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    parent.append(element);
    return element;
  }

  addBox(group, i) {
    const { nodes, constants, products, arrivals } = this.recording;
    const lines = [...group.querySelectorAll("text")];
    const array = i < nodes.length ? nodes[i].value : constants[i - nodes.length];
    const [value, gradient] = lines.slice(i < nodes.length ? -2 : -1); // below the name
    const gradients = (arrivals[i] || []).map((p) => products[p - 1].downstream);
    const cut = [array, ...gradients].some((each) => brief(each).includes("..."));
    if (cut) for (const line of [value, gradient]) if (line) line.classList.add("cut");
    const shape = bounds(group);
    const tooltip = this.draw(group, "title");
    group.prepend(tooltip);
    const heats = [0, 1].map(() => this.draw(group, "g", { class: "heat" }));
    const box = { group, value, gradient, text: value.textContent, tooltip, shape, cut, heats };
    this.boxes[i] = box;
    if (i >= nodes.length) {
      tooltip.textContent = full(array);
      return cut && this.heat(box, 0, array, true);
    }
    group.classList.add("box");
    group.addEventListener("click", () => this.chosen(i));
    press(group, () => this.chosen(i));
  }

  /* A small picture of an array to the left (side 0) or the right of the middle of a box, a path
     for each colour. */
  heat(box, side, array, alone = false) {
    const parent = box.heats[side];
    if (parent.array === array) return;
    parent.array = array;
    parent.replaceChildren();
    if (!array) return;
    const [rows, columns] = array.view.map(seen);
    const [half, top] = [box.shape.width * 0.38, Number(box.value.getAttribute("y")) - 11];
    const room = Math.min(box.shape.y + box.shape.height - top - 3, 30);
    const height = Math.min(room / rows.length, 12);
    const width = Math.min(half / columns.length, 2.5 * height);
    const middle = box.shape.x + box.shape.width / 2;
    const wide = width * columns.length;
    const left = alone ? middle - wide / 2 : side ? middle + 5 : middle - 5 - wide;
    const [numbers, colours] = [shades(array)[Symbol.iterator](), new Map()];
    rows.forEach((row, y) => columns.forEach((column, x) => {
      if (row === null || column === null) return;
      const shade = numbers.next().value;
      const colour = Math.sign(shade) * Math.ceil(Math.abs(shade) * LEVELS);
      const place = `M${left + x * width},${top + y * height}`;
      colours.set(colour, `${colours.get(colour) || ""}${place}h${width}v${height}h${-width}z`);
    }));
    for (const [colour, d] of colours) {
      const path = this.draw(parent, "path", { d, class: colour < 0 ? "negative" : "positive" });
      path.style.setProperty("--shade", `${(Math.abs(colour) / LEVELS) * 100}%`);
    }
    const around = `M${left},${top}h${wide}v${height * rows.length}h${-wide}z`;
    if (side) this.draw(parent, "path", { d: around, class: "around" });
  }

  /* Arrows between the same two boxes are told apart by their order. */
  addArrow(group, [to, node], order) {
    const { nodes, products } = this.recording;
    const back = group.classList.contains("gradient");
    const ends = `${to} ${node} ${back}`;
    const place = order.get(ends) || 0;
    order.set(ends, place + 1);
    const step = products.findIndex((p) => p.node === node && p.to === to && p.arrow === place) + 1;
    const [tooltip, text] = [this.draw(group, "title"), group.querySelector("text")];
    const made = node < nodes.length ? node : to; // a constant comes after all nodes
    this.arrows.push({ group, to, node, made, back, step, tooltip, text });
  }

  /* A frame, and the lid that lies on it while the group is closed. */
  addGroup(frame, i) {
    const group = this.groups[i];
    const label = frame.querySelector("text");
    const { x, y, width, height } = bounds(frame);
    const lid = this.draw(frame.parentNode, "g", { class: "lid box" });
    this.draw(lid, "rect", { x, y, width, height, rx: 12 });
    const middle = { x: x + width / 2, y: y + height / 2 };
    const lines = [-28, 0, 28].map((dy) => this.draw(lid, "text", { ...middle, dy }));
    lines[0].textContent = `▸ ${label.textContent}`;
    label.textContent = `▾ ${label.textContent}`; // wider by two letters, which go inwards
    const at = Number(label.getAttribute("x"));
    label.setAttribute("x", at > middle.x ? at - 8 : at + 8);
    Object.assign(group, { frame, lid, lines, label, width });
    for (const part of [label, lid]) part.addEventListener("click", () => this.toggle(i));
    for (const part of [frame, lid]) press(part, () => this.toggle(i));
  }

  toggle(i) {
    const closes = !this.closed.delete(i);
    if (closes) this.closed.add(i);
    refresh();
    (closes ? this.groups[i].lid : this.groups[i].frame).focus();
  }

  /* The outermost closed group around a box. */
  cover(i) {
    return this.groups.find((group, k) => this.closed.has(k) && group.inside.has(i));
  }

  /* Whether a product stays inside a closed group. */
  covers({ node, to }) {
    const cover = this.cover(node);
    return cover !== undefined && cover === this.cover(to);
  }

  /* Show a position; what it is about is returned, a box or a lid. */
  show(position, current, kept) {
    const { nodes, products } = this.recording;
    const now = products[position - 1];
    this.boxes.forEach((box, i) => {
      const done = this.recording.computed(i, position);
      const back = this.recording.received(i, position);
      const marks = [this.cover(i) !== undefined, i === current, now && i === now.node, i === kept];
      if (box.done === done && box.back === back && box.marks === String(marks)) return;
      Object.assign(box, { done, back, marks: String(marks) });
      box.group.classList.toggle("gone", marks[0]);
      this.mark(box.group, marks[1], marks[2], done);
      if (i >= nodes.length) return;
      box.group.classList.toggle("kept", marks[3]);
      box.group.setAttribute("aria-pressed", String(marks[3]));
      this.showBox(box, nodes[i]);
    });
    for (const arrow of this.arrows) {
      const { group, to, node, made, back, step, tooltip, text } = arrow;
      const reached = step > 0 && step <= position;
      const [covered, done] = [this.covers({ node, to }), this.recording.computed(made, position)];
      const state = String([reached, step === position, covered, done]);
      if (arrow.state === state) continue;
      arrow.state = state;
      group.classList.toggle("gone", covered || (back && !reached));
      group.classList.toggle("later", !done);
      group.classList.toggle("on", back && step === position);
      if (!back) continue;
      const passed = reached ? products[step - 1].downstream : null;
      if (text) set(text, reached ? brief(passed) : "");
      set(tooltip, reached ? `${nodes[node].name} → ${nodes[to].name}\n${full(passed)}` : "");
    }
    this.groups.forEach((group, k) => this.showGroup(group, k, position, current, now));
    const cover = this.cover(current);
    return cover ? cover.lid : this.boxes[current].group;
  }

  showBox({ done, back, ...box }, node) {
    const known = [node.whole || node.defined];
    if (done) known.push(full(node.value));
    if (back) known.push(`${node.gradient} = ${full(back)}`);
    set(box.tooltip, known.join("\n"));
    set(box.value, done ? box.text : "");
    set(box.gradient, back ? `${node.label} ${brief(back)}` : "");
    const told = [...box.group.querySelectorAll("text")].map((line) => line.textContent);
    box.group.setAttribute("aria-label", told.filter(Boolean).join(" "));
    if (!box.cut) return;
    this.heat(box, 0, done ? node.value : null);
    this.heat(box, 1, back);
  }

  showGroup({ frame, lid, lines, label, inside, output, width }, k, position, current, now) {
    const closed = this.closed.has(k) && this.cover(output).lid === lid;
    const node = this.recording.nodes[output];
    const back = this.recording.received(output, position);
    const done = this.recording.computed(output, position);
    frame.classList.toggle("gone", this.cover(output) !== undefined);
    lid.classList.toggle("gone", !closed);
    frame.setAttribute("aria-label", `${label.textContent.slice(2)}, open: close`);
    set(lines[1], closed && done ? sized(node.value) : "");
    set(lines[2], closed && back ? `${node.label} ${brief(back)}` : "");
    this.mark(lid, inside.has(current), now && inside.has(now.node), done);
    const told = lines.map((line) => line.textContent);
    const longest = Math.max(...told.map((text) => text.length));
    lid.style.setProperty("--letters", `${Math.min(22, width / (0.56 * longest))}px`);
    lid.setAttribute("aria-label", `${told.join(" ").slice(2)}, closed: open`);
  }

  mark(group, on, from, done) {
    group.classList.toggle("on", on);
    group.classList.toggle("from", Boolean(from));
    group.classList.toggle("later", !done);
  }
}
