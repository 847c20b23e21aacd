// What is seen of a drawing: all of it, or a part that is moved and zoomed.

const LARGEST_SCALE = 1.25; // of a small drawing that fits with room to spare
const CLOSEST = 4;

class View {
  constructor(pane, svg) {
    Object.assign(this, { pane, svg, pointers: new Map(), fitted: true });
    const [x, y, width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    Object.assign(this, { all: { x, y, width, height }, size: [width, height] });
    pane.parentNode.style.setProperty("--aspect", String(width / height));
    new ResizeObserver(([{ contentRect }]) => {
      this.size = [contentRect.width, contentRect.height];
      if (this.fitted) this.fit();
      else this.put(this.x, this.y, this.scale);
    }).observe(pane);
    pane.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    pane.addEventListener("pointerdown", (event) => this.down(event));
    pane.addEventListener("pointermove", (event) => this.move(event));
    for (const kind of ["pointerup", "pointercancel", "pointerleave"]) {
      pane.addEventListener(kind, (event) => this.pointers.delete(event.pointerId));
    }
    pane.addEventListener("click", (event) => this.dragged && event.stopPropagation(), true);
  }

  /* The scale, pixels to a unit, at which all of the drawing is seen. */
  get whole() {
    const [width, height] = this.size;
    return Math.min(width / this.all.width, height / this.all.height, LARGEST_SCALE) || 1;
  }

  fit() {
    const { all, whole, size } = this;
    const middle = [all.x + all.width / 2, all.y + all.height / 2];
    this.put(...middle.map((n, i) => n - size[i] / whole / 2), whole);
    this.fitted = true;
  }

  put(x, y, scale) {
    Object.assign(this, { x, y, scale, fitted: false });
    this.svg.setAttribute("viewBox", [x, y, ...this.size.map((n) => n / scale)].join(" "));
    this.pane.classList.toggle("zoomed", scale > this.whole * 1.01);
  }

  pan(right, down) {
    this.put(this.x + right / this.scale, this.y + down / this.scale, this.scale);
  }

  /* Zoom (0: see all); what is at a point of the pane, its middle, stays there. */
  zoom(factor, [left, top] = this.size.map((n) => n / 2)) {
    const scale = Math.min(this.scale * factor, CLOSEST);
    if (scale <= this.whole) return this.fit();
    const by = 1 / this.scale - 1 / scale;
    this.put(this.x + left * by, this.y + top * by, scale);
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
    const [, other] = [...this.pointers].find(([id]) => id !== event.pointerId) || [];
    if (!other) return this.fitted || this.pan(right, down);
    const far = (place) => Math.hypot(place[0] - other[0], place[1] - other[1]) || 1;
    this.zoom(far(now) / far(before), now.map((n, i) => (n + other[i]) / 2));
  }

  /* Move so that a box is in the middle, where only a part of the drawing is seen. */
  follow(group) {
    if (this.fitted) return;
    const [box, view] = [group.getBoundingClientRect(), this.pane.getBoundingClientRect()];
    const inside = box.left >= view.left && box.right <= view.right && box.top >= view.top;
    if (inside && box.bottom <= view.bottom) return;
    const right = box.left + box.right - view.left - view.right;
    this.pan(right / 2, (box.top + box.bottom - view.top - view.bottom) / 2);
  }
}
