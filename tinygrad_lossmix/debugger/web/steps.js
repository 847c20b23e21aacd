// Moving: step 1 is the seed; the values come before it, where playing forward is asked for.

const PACE = 1200; // milliseconds a step is shown while it plays, at speed 1
const at = elements();
const { moments } = content; // of two in lock-step, where each is
const framed = window !== window.top; // in a notebook
let position = content.open;
let first = 0;
let last = 0;
let timer = null;

const placeOf = (p) => (p < 0 ? `forward ${p + values + 1}` : `step ${p + 1}`);
const addressOf = (p) => `#${placeOf(p).replace(" ", "=")}`;
const values = content.sides[0].nodes.length;
const sides = content.sides.map((data, i) => new Side(data, i ? String(i + 1) : ""));
const there = (p, i) => (moments ? moments[p][i] : p);

/* Where the address says; null where it does not. */
function asked() {
  const [, kind, number] = /^#(step|forward)=(\d{1,9})$/.exec(location.hash) || [];
  if (!kind) return null;
  if (kind === "step") return Math.min(Math.max(Number(number) - 1, 0), last);
  return moments ? 0 : Math.min(Number(number) - values - 1, -1);
}

function refresh() {
  const total = position < 0 ? values : last + 1;
  at.position.textContent = `${placeOf(position)} of ${total}`;
  at.slider.min = String(first);
  at.slider.value = String(position);
  const told = sides.map((side, i) => side.recording.sentence(there(position, i)));
  const meeting = moments && content.meetings[position];
  at.said.textContent = meeting || told.join(" | ");
  at.slider.setAttribute("aria-valuetext", at.said.textContent);
  at.previous.disabled = position === first;
  at.next.disabled = position === last;
  at.forward.setAttribute("aria-pressed", String(first < 0));
  sides.forEach((side, i) => side.show(there(position, i)));
  if (!framed) at.link.setAttribute("href", addressOf(position));
}

let written = null;
function address() {
  clearTimeout(written);
  if (framed) return;
  written = setTimeout(() => history.replaceState(null, "", addressOf(position)), 200);
}

function go(p) {
  if (p < 0 && !moments) first = -values;
  position = Math.min(Math.max(p, first), last);
  if (position === last) pause();
  refresh();
  address();
}

function goTo(side, p) {
  if (!moments) return go(p);
  const i = sides.indexOf(side);
  go(moments.findIndex((moment) => moment[i] === Math.max(p, 0)));
}

/* A step; a closed group is passed in one. */
function move(by) {
  let p = position + by;
  const passed = () => sides.every((side, i) => side.passed(there(p, i)));
  while (p > first && p < last && passed()) p += by;
  if (p >= first) go(p);
}

function pause() {
  clearInterval(timer);
  timer = null;
  at.play.textContent = "Play";
}

function play() {
  if (timer !== null) return pause();
  if (position === last) go(first);
  timer = setInterval(() => move(1), PACE / Number(at.speed.value));
  at.play.textContent = "Pause";
}

function forward() {
  pause();
  if (first < 0) {
    first = 0;
    return go(Math.max(position, 0));
  }
  go(-values);
  play();
}

const views = () => sides.map((side) => side.view).filter(Boolean);
const zoom = (by) => views().forEach((view) => view.zoom(by));
const pan = (right, down) => () => views().forEach((view) => view.pan(right, down));
const release = () => sides.forEach((side) => (side.kept = null));

const KEYS = {
  ArrowLeft: () => move(-1),
  ArrowRight: () => move(1),
  Home: () => go(first),
  End: () => go(last),
  " ": play,
  Escape: () => (release(), refresh()),
  "+": () => zoom(1.25),
  "=": () => zoom(1.25),
  "-": () => zoom(0.8),
  0: () => zoom(0),
  f: forward,
};
const SHIFTED = {
  ArrowLeft: pan(-60, 0),
  ArrowRight: pan(60, 0),
  ArrowUp: pan(0, -60),
  ArrowDown: pan(0, 60),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.target.matches("select")) return; // it and the slider know their keys themselves
  if (event.target === at.slider && event.key !== " ") return;
  if (event.target.matches(".scroll") && event.key !== " ") return;
  if (event.target.matches("button, summary, a") && event.key === " ") return;
  const plain = !event.shiftKey || event.key === "+";
  const act = plain ? KEYS[event.key] : SHIFTED[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
at.slider.addEventListener("input", () => go(Number(at.slider.value)));
at.previous.addEventListener("click", () => move(-1));
at.next.addEventListener("click", () => move(1));
at.play.addEventListener("click", play);
at.forward.addEventListener("click", forward);
at.speed.addEventListener("change", () => timer !== null && (pause(), play()));
at.plain.addEventListener("click", () => {
  at.plain.setAttribute("aria-pressed", String(document.body.classList.toggle("numbers")));
  refresh();
});
for (const button of document.querySelectorAll("[data-zoom]")) {
  button.addEventListener("click", () => zoom(Number(button.dataset.zoom)));
}
window.addEventListener("hashchange", () => asked() !== null && asked() !== position && go(asked()));

last = moments ? moments.length - 1 : sides[0].recording.products.length;
at.slider.max = String(last);
at.link.hidden = framed;
at.forward.hidden = Boolean(moments);
if (asked() !== null) {
  position = asked();
}
if (position < 0) first = -values;
refresh();
