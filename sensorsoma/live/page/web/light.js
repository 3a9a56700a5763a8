// How bright the page is, how big its text, and when its buttons fade from sight in the dark.

const LAST = 8; // the bright page; everything below is light on black
const SETTING_UP = 4, PRACTISING = 1; // where the person has not chosen: readable by a lamp, then nearly nothing
const NIGHT = { ink: [107, 42, 18], soft: [84, 32, 13], line: [42, 17, 8] }; // measured: 2 % of pixels, contrast 2:1
const LAMP = { ink: [255, 217, 189], soft: [224, 166, 126], line: [138, 74, 42] };
const SLEEP_MS = 8000;

const root = document.documentElement;

// Where storage is forbidden, choices hold for this page only.
function stored(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(`sensorsoma-${name}`);
    localStorage.setItem(`sensorsoma-${name}`, value);
  } catch { /* forbidden */ }
  return null;
}
export { stored };

let chosen = null; // the person's own level; null until there is one
let phase = "before";

const level = () => chosen ?? (phase === "before" ? SETTING_UP : PRACTISING);
export const isBright = () => level() === LAST;

export function lightWords(value = level()) {
  if (value === LAST) return "bright, for setting up";
  return value === 0 ? "nearly black" : `dim, ${value} of ${LAST}`;
}

function paint() {
  const slider = document.getElementById("light");
  const share = level() / (LAST - 1);
  for (const name of Object.keys(NIGHT)) {
    const mixed = NIGHT[name].map((from, n) => Math.round(from + (LAMP[name][n] - from) * share));
    if (isBright()) root.style.removeProperty(`--${name}`);
    else root.style.setProperty(`--${name}`, `rgb(${mixed.join(" ")})`);
  }
  document.body.dataset.theme = isBright() ? "bright" : "dark";
  document.querySelector("meta[name=theme-color]").content = isBright() ? "#fbf3ec" : "#000000";
  slider.value = level();
  slider.setAttribute("aria-valuetext", lightWords());
}

export function choose(value) {
  chosen = Math.min(LAST, Math.max(0, value));
  stored("light", chosen);
  paint();
  wake();
}

export const brighter = (by) => choose(level() + by);

export function setBig(isBig) {
  document.body.classList.toggle("big", isBig);
  document.getElementById("big").checked = isBig;
  stored("big", isBig ? "1" : "");
}
export const isBig = () => document.body.classList.contains("big");

export function entered(newPhase) {
  if (newPhase === phase) return;
  phase = newPhase;
  if (chosen === null) paint();
  wake();
}

// ------------------------------------------------------------------------------------------------------- asleep

let timer = 0;
let staysAwake = () => false;

export const isAsleep = () => document.body.classList.contains("asleep");

export function wake() {
  clearTimeout(timer);
  document.body.classList.remove("asleep");
  timer = setTimeout(sleep, SLEEP_MS);
}

function sleep() {
  if (isBright() || staysAwake()) { wake(); return; }
  document.body.classList.add("asleep");
}

let isSwallowing = false; // the click that belongs to the touch that woke the buttons

// A hand that gropes in the dark wakes the buttons first; what lies under it is not pressed.
function feelTouches() {
  addEventListener("pointerdown", (event) => {
    isSwallowing = isAsleep();
    if (isSwallowing) { event.preventDefault(); event.stopPropagation(); }
    wake();
  }, true);
  addEventListener("click", (event) => {
    if (!isSwallowing || event.detail === 0) return;
    isSwallowing = false;
    event.preventDefault();
    event.stopPropagation();
  }, true);
  addEventListener("pointermove", (event) => { if (event.pointerType === "mouse") wake(); });
  addEventListener("focusin", (event) => { if (event.target.matches?.(":focus-visible")) wake(); });
}

export function begin(asked) {
  ({ staysAwake } = asked);
  const kept = stored("light");
  if (kept !== null && /^[0-8]$/.test(kept)) chosen = Number(kept);
  setBig(stored("big") === "1");
  paint();
  feelTouches();
  wake();
}
