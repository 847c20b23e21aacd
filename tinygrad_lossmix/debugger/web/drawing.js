// The drawing: boxes, arrows, groups that open and close. Node i is box n<i>, group i cluster_<i>.

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

class Drawing {
  constructor(svg, recording, chosen) {
    Object.assign(this, { svg, recording, chosen, boxes: [], arrows: [], closed: new Set() });
    this.groups = recording.groups.map((group) => ({ ...group, inside: new Set(group.boxes) }));
    const [titles, order] = [[...svg.querySelectorAll("title")], new Map()];
    const number = (group) => Number(/\d+$/.exec(group.id));
    const drawn = [...svg.querySelectorAll("g.node, g.edge, g.cluster")];
    for (const group of drawn.sort((a, b) => number(a) - number(b))) {
      const title = group.querySelector("title").textContent;
      const [first, second] = [...title.matchAll(/n(\d+)/g)].map((match) => Number(match[1]));
      if (group.matches(".cluster")) this.addGroup(group, Number(/\d+$/.exec(title)));
      else if (second === undefined) this.addBox(group, first);
      else this.addArrow(group, Math.min(first, second), Math.max(first, second), order);
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
    const [value, gradient] = [...group.querySelectorAll("text")].slice(-2); // below the name
    this.boxes[i] = { group, value, gradient, text: value && value.textContent };
    if (i >= this.recording.nodes.length) return; // a constant
    this.boxes[i].tooltip = this.draw(group, "title");
    group.prepend(this.boxes[i].tooltip);
    group.classList.add("box");
    group.addEventListener("click", () => this.chosen(i));
    press(group, () => this.chosen(i));
  }

  /* Arrows between the same two boxes are told apart by their order. */
  addArrow(group, ...rest) {
    const order = rest.pop();
    const isConstant = rest[1] >= this.recording.nodes.length;
    const [to, node] = isConstant ? rest.reverse() : rest;
    const back = group.classList.contains("gradient");
    const ends = `${to} ${node} ${back}`;
    const place = order.get(ends) || 0;
    order.set(ends, place + 1);
    const products = this.recording.products;
    const step = products.findIndex((p) => p.node === node && p.to === to && p.arrow === place) + 1;
    const tooltip = this.draw(group, "title");
    this.arrows.push({ group, to, node, back, step, tooltip, text: group.querySelector("text") });
  }

  /* A frame, and the lid that lies on it while the group is closed. */
  addGroup(frame, i) {
    const group = this.groups[i];
    const label = frame.querySelector("text");
    const { x, y, width, height } = frame.querySelector("path, polygon").getBBox();
    const lid = this.draw(frame.parentNode, "g");
    this.draw(lid, "rect", { x, y, width, height, rx: 12 });
    const middle = { x: x + width / 2, y: y + height / 2 };
    const lines = [-24, 0, 24].map((dy) => this.draw(lid, "text", { ...middle, dy }));
    lines[0].textContent = `▸ ${label.textContent}`;
    label.textContent = `▾ ${label.textContent}`;
    lid.classList.add("lid", "box");
    Object.assign(group, { frame, lid, lines, label });
    label.addEventListener("click", () => this.toggle(i));
    lid.addEventListener("click", () => this.toggle(i));
    press(frame, () => this.toggle(i));
    press(lid, () => this.toggle(i));
  }

  toggle(i) {
    const { lid, frame } = this.groups[i];
    const closes = !this.closed.delete(i);
    if (closes) this.closed.add(i);
    this.changed();
    (closes ? lid : frame).focus();
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

  show(position, current, kept) {
    const { nodes, products } = this.recording;
    const now = products[position - 1];
    const computed = (i) => i >= nodes.length || this.recording.computed(i, position);
    this.boxes.forEach(({ group, tooltip, value, gradient, text }, i) => {
      group.classList.toggle("gone", this.cover(i) !== undefined);
      if (i >= nodes.length) return;
      const back = this.recording.received(i, position);
      const done = computed(i);
      const known = [nodes[i].whole || nodes[i].defined];
      if (done) known.push(full(nodes[i].value));
      if (back) known.push(`${nodes[i].gradient} = ${full(back)}`);
      set(tooltip, known.join("\n"));
      set(value, done ? text : "");
      set(gradient, back ? `${nodes[i].label} ${brief(back)}` : "");
      this.mark(group, i === current, now && i === now.node, !done);
      group.classList.toggle("kept", i === kept);
      group.setAttribute("aria-pressed", String(i === kept));
      const told = [...group.querySelectorAll("text")].map((line) => line.textContent);
      group.setAttribute("aria-label", told.filter(Boolean).join(" "));
    });
    for (const { group, to, node, back, step, tooltip, text } of this.arrows) {
      const reached = step > 0 && step <= position;
      const cover = this.cover(node);
      group.classList.toggle("gone", (cover && cover === this.cover(to)) || (back && !reached));
      group.classList.toggle("later", !computed(node));
      group.classList.toggle("on", back && step === position);
      if (!back) continue;
      const passed = reached ? products[step - 1].downstream : null;
      if (text) set(text, reached ? brief(passed) : "");
      set(tooltip, reached ? `${nodes[node].name} → ${nodes[to].name}\n${full(passed)}` : "");
    }
    this.groups.forEach((group, k) => this.showGroup(group, k, position, current, now));
    const cover = this.cover(current);
    return cover ? cover.lid : this.boxes[current] && this.boxes[current].group;
  }

  showGroup(group, k, position, current, now) {
    const { frame, lid, lines, label, inside, output } = group;
    if (!frame) return;
    const outer = this.cover(output);
    const closed = this.closed.has(k) && outer === group;
    frame.classList.toggle("gone", outer !== undefined);
    lid.classList.toggle("gone", !closed);
    frame.setAttribute("aria-label", `${label.textContent.slice(2)}, open: close`);
    const { nodes } = this.recording;
    const back = this.recording.received(output, position);
    const done = this.recording.computed(output, position);
    set(lines[1], closed && done ? sized(nodes[output].value) : "");
    set(lines[2], closed && back ? `${nodes[output].label} ${brief(back)}` : "");
    this.mark(lid, inside.has(current), now && inside.has(now.node), !done);
    const told = lines.map((line) => line.textContent);
    lid.setAttribute("aria-label", `${told.join(" ").slice(2)}, closed: open`);
  }

  mark(group, on, from, later) {
    group.classList.toggle("on", on);
    group.classList.toggle("from", Boolean(from));
    group.classList.toggle("later", later);
  }
}
