// What is seen of a drawing: all of it, or a part that is moved and zoomed.

const LARGEST_SCALE = 1.25; // of a small drawing that fits with room to spare
const CLOSEST = 4;
const still = matchMedia("(prefers-reduced-motion: reduce)");

class View {
  constructor(pane, svg) {
    this.pane = pane;
    this.svg = svg;
    const [x, y, width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    this.all = { x, y, width, height };
    this.pointers = new Map();
    this.fitted = true;
    new ResizeObserver(() => (this.fitted ? this.fit() : this.put(this.x, this.y, this.scale))).observe(pane);
    pane.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    pane.addEventListener("pointerdown", (event) => this.down(event));
    pane.addEventListener("pointermove", (event) => this.move(event));
    for (const kind of ["pointerup", "pointercancel", "pointerleave"]) {
      pane.addEventListener(kind, (event) => this.pointers.delete(event.pointerId));
    }
    pane.addEventListener("click", (event) => this.dragged && event.stopPropagation(), true);
    this.fit();
  }

  get size() {
    return [this.pane.clientWidth, this.pane.clientHeight];
  }

  /* The scale, pixels to a unit, at which all of the drawing is seen. */
  get whole() {
    const [width, height] = this.size;
    return Math.min(width / this.all.width, height / this.all.height, LARGEST_SCALE) || 1;
  }

  fit() {
    const [width, height] = this.size;
    const { all, whole } = this;
    this.put(all.x + (all.width - width / whole) / 2, all.y + (all.height - height / whole) / 2, whole);
    this.fitted = true;
  }

  put(x, y, scale) {
    cancelAnimationFrame(this.frame);
    Object.assign(this, { x, y, scale });
    const [width, height] = this.size;
    this.svg.setAttribute("viewBox", `${x} ${y} ${width / scale} ${height / scale}`);
    this.pane.classList.toggle("zoomed", scale > this.whole * 1.01);
  }

  pan(right, down) {
    this.fitted = false;
    this.put(this.x + right / this.scale, this.y + down / this.scale, this.scale);
  }

  /* Zoom, what is at a point of the pane (its middle) stays there. */
  zoom(factor, [left, top] = this.size.map((n) => n / 2)) {
    const scale = Math.min(Math.max(this.scale * factor, this.whole), CLOSEST);
    if (scale <= this.whole) return this.fit();
    const by = 1 / this.scale - 1 / scale;
    this.put(this.x + left * by, this.y + top * by, scale);
    this.fitted = false;
  }

  place(event) {
    const { left, top } = this.pane.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  wheel(event) {
    event.preventDefault();
    this.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)), this.place(event));
  }

  down(event) {
    this.pointers.set(event.pointerId, this.place(event));
    this.dragged = false;
  }

  /* One pointer moves the drawing, two pinch it. */
  move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = this.place(event);
    const [right, down] = [before[0] - now[0], before[1] - now[1]];
    if (!this.dragged && Math.hypot(right, down) < 4) return;
    this.dragged = true;
    this.pointers.set(event.pointerId, now);
    const other = [...this.pointers].find(([id]) => id !== event.pointerId);
    if (!other) return this.fitted || this.pan(right, down);
    const far = (place) => Math.hypot(place[0] - other[1][0], place[1] - other[1][1]) || 1;
    this.zoom(far(now) / far(before), now.map((n, i) => (n + other[1][i]) / 2));
  }

  /* Move so that a box is seen, where only a part of the drawing is. */
  follow(group) {
    if (this.fitted || !group) return;
    const [box, view] = [group.getBoundingClientRect(), this.pane.getBoundingClientRect()];
    const inside = box.left >= view.left && box.right <= view.right && box.top >= view.top;
    if (inside && box.bottom <= view.bottom) return;
    const right = (box.left + box.right - view.left - view.right) / 2 / this.scale;
    const down = (box.top + box.bottom - view.top - view.bottom) / 2 / this.scale;
    this.glide(this.x + right, this.y + down);
  }

  glide(x, y) {
    if (still.matches) return this.put(x, y, this.scale);
    const [fromX, fromY, begun] = [this.x, this.y, performance.now()];
    const step = (now) => {
      const t = Math.min(Math.max((now - begun) / 250, 0), 1);
      const eased = t * (2 - t);
      this.put(fromX + (x - fromX) * eased, fromY + (y - fromY) * eased, this.scale);
      if (t < 1) this.frame = requestAnimationFrame(step);
    };
    this.frame = requestAnimationFrame(step);
  }
}
