// The page at the bedside: draws the newest state, performs what is to be heard, sends what the person asks for.
// It decides nothing about the practice; the computer does.

import * as light from "./light.js";
import * as shown from "./shown.js";
import * as sound from "./sound.js";
import * as wire from "./wire.js";

const HOLD_MS = 1200; // stop: hold so long, or press twice within ...
const ARMED_MS = 6000;
const ANSWER_MS = 4000; // how long the answer to a key stays
const COMFORT_MS = 1500; // arrow keys travel over the scale; where they rest so long is meant ...
const COMFORT_TOUCH_MS = 500; // ... while a touch is seen for a moment
const OUT_MS = 80, IN_MS = 160, FAINT = 0.15; // a text goes before the next one comes
const PANEL_MS = 60000; // the panel closes by itself when nobody has touched it for so long
const SPOKEN_MS = 1000; // the ring's text changes at most once a second: some screen readers tell every change

const page = Object.fromEntries([...document.querySelectorAll("[id]")].map((element) => [element.id, element]));
const isEchoing = new URLSearchParams(location.search).has("echo");
const isStill = matchMedia("(prefers-reduced-motion: reduce)");

let state = null; // the newest one
let link = "opening";
const hasEnded = () => ["over", "refused", "replaced", "full"].includes(link);

// ------------------------------------------------------------------------------------------------------ drawing

let isDue = false;

function drawSoon() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    draw();
    if (isEchoing && state) echoOnceDrawn(state.n);
  });
}

// A message to ourselves comes after the frame has been painted.
function echoOnceDrawn(n) {
  const channel = new MessageChannel();
  channel.port1.onmessage = () => {
    wire.send({ type: "echo", n, drawn_ms: performance.timeOrigin + performance.now() });
    channel.port1.close();
  };
  channel.port2.postMessage(0);
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const isSoft = () => !isStill.matches && !document.hidden;
const appear = (element) => { if (isSoft()) element.animate([{ opacity: FAINT }, { opacity: 1 }], { duration: IN_MS, easing: "ease-out" }); };
const coming = new Map(); // element: the text that it shows once its old one has faded

// A sentence changes softly, and never lies on the one before: that one fades, then the new one appears.
function soften(element, text, fit = () => {}) {
  if ((coming.get(element) ?? element.textContent) === text) return;
  const isFading = coming.has(element);
  coming.set(element, text);
  if (isFading) return; // the newest is taken when it is time
  const change = () => {
    const newest = coming.get(element);
    coming.delete(element);
    fit(newest);
    write(element, newest);
    appear(element);
  };
  if (!element.textContent || !isSoft()) { change(); return; }
  const out = element.animate([{ opacity: 1 }, { opacity: FAINT }], { duration: OUT_MS, fill: "forwards" });
  setTimeout(() => { out.cancel(); change(); }, OUT_MS);
}

function draw() {
  if (state) drawState();
  const isOver = hasEnded() || state?.phase === "over";
  const isBefore = (state?.phase ?? "before") === "before";
  document.body.dataset.stage = isOver ? "over" : isBefore ? "before" : "practice";
  page.welcome.hidden = isOver || !isAskingForSound();
  write(page.start, isBefore ? "Start, with sound here" : "Sound from here");
  write(page.silent, isBefore ? "Start without sound" : "No sound from here");
  soften(page.notice, noticeText());
  page.safety.hidden = !isBefore || isOver || !page.safety.dataset.version;
  document.body.classList.toggle("reading", page.safety.open && !page.safety.hidden);
}

function drawState() {
  const now = shown.figure(state);
  const isOver = state.phase === "over";
  const step = isOver ? null : state.step?.index;
  const isNewStep = shownStep !== step;
  shownStep = step;
  write(page.place, shown.place(state));
  write(page.title, shown.title(state));
  drawNumber(now, isNewStep);
  drawRing(isOver ? null : state.ring, now.spoken, isNewStep);
  soften(page.sentence, state.sentence || state.safety || "", fitSentence);
  drawFacts();
  document.body.dataset.phase = state.phase;
  document.title = shown.tabTitle(state);
  write(page.pause, state.phase === "paused" ? "Go on" : "Pause");
  if (askedComfort() !== comfortFor) showComfort(askedComfort());
  drawVoice();
  // Two voices would be one too many: while one is heard here, a screen reader keeps to the step.
  const isHeard = state.is_voice_here || state.voice === "computer";
  page.sentence.setAttribute("aria-live", isHeard ? "off" : "polite");
}

let shownStep; // by its place in the practice

// Digits change at once: two of them on top of each other would be a third.
function drawNumber({ text, unit, isLive }, isNewStep) {
  const isOther = page.number.textContent !== text;
  page.number.dataset.live = isLive;
  page.number.dataset.length = text.length;
  write(page.number, text);
  write(page.unit, unit);
  if (isOther && text && !isLive && !isNewStep) appear(page.number);
}

function fitSentence(text) {
  page.sentence.dataset.isLong = text.length > 130 ? 2 : text.length > 75 ? 1 : 0;
}

let wasVoiceHere = false;

// The computer takes the voice away from a page that was not heard, or when another page begins to speak.
function drawVoice() {
  if (wasVoiceHere === Boolean(state.is_voice_here)) return;
  wasVoiceHere = !wasVoiceHere;
  page.sound.checked = wasVoiceHere;
  if (!wasVoiceHere) voice.wants = false;
}

let spokenAt = -Infinity, speakTimer = 0;

function drawRing(share, spoken, isNewStep) {
  if (isNewStep) page.ring.style.transition = "none"; // what it showed belongs to the step before
  page.dial.classList.toggle("open", !share);
  page.ring.style.strokeDashoffset = String(100 * (1 - Math.min(1, Math.max(0, share ?? 0))));
  if (isNewStep) {
    page.ring.getBoundingClientRect(); // takes it over before it moves softly again
    page.ring.style.transition = "";
  }
  clearTimeout(speakTimer);
  if (page.dial.getAttribute("aria-label") === spoken) return;
  const wait = spokenAt + SPOKEN_MS - performance.now();
  if (wait > 0) { speakTimer = setTimeout(drawSoon, wait); return; }
  spokenAt = performance.now();
  page.dial.setAttribute("aria-label", spoken);
}

function drawFacts() {
  const all = shown.facts(state);
  while (page.facts.children.length > all.length) page.facts.lastChild.remove();
  all.forEach(({ name, text }, n) => {
    const line = page.facts.children[n] ?? page.facts.appendChild(document.createElement("span"));
    line.dataset.name = name;
    write(line, text);
  });
}

const LINK_WORDS = {
  away: "The page has lost the session, coming back by itself.",
  refused: "This page does not belong to a session that is running. Open the address that the computer shows.",
  replaced: "The page was opened once more, and goes on there.",
  full: "This session is shown on as many pages as it can be. Close one of them, then load this one anew.",
  over: "The session is over; this page can be closed.",
};

let answer = ""; // to a key or a button
let answerTimer = 0;
let why = ""; // the computer's own words for a refusal

const noticeText = () => why || LINK_WORDS[link] || answer || state?.notice || "";

function reply(text, forMs = ANSWER_MS) {
  clearTimeout(answerTimer);
  answer = text;
  answerTimer = setTimeout(() => { answer = ""; drawSoon(); }, forMs);
  drawSoon();
}

// ------------------------------------------------------------------------------------------------------- hearing

function take(message) {
  if (message.type === "state") {
    if (message.phase === "over" && state?.phase !== "over") openPanel(false); // the last words lie open
    state = message;
    light.entered(message.phase);
    if (message.language) speakIn(message.language);
    drawSoon();
  } else if (message.type === "say") {
    sound.perform(message).then((heard) => wire.send({ type: "said", id: message.id, heard }));
  } else if (message.type === "hush") {
    sound.hush();
  } else if (message.type === "safety") {
    showSafety(message);
  }
}

// The whole text, to be read while there is light: open until the person has said somewhere that it was read.
function showSafety({ text, is_read: isRead }) {
  if (page.safety.dataset.version === text.version) return;
  page.safety.dataset.version = text.version;
  page.safety.open = !isRead;
  const paragraph = (words) => Object.assign(document.createElement("p"), { textContent: words });
  const list = (items) => {
    const all = document.createElement("ul");
    all.append(...items.map((one) => Object.assign(document.createElement("li"), { textContent: one })));
    return all;
  };
  page["safety-text"].lang = text.language;
  page["safety-text"].replaceChildren(
    paragraph(text.about.join(" ")), paragraph(text.stop_rule.join(" ")), paragraph(text.emergency_title),
    list(text.emergency), paragraph(text.ask_first_title), list(text.ask_first),
  );
  drawSoon();
}

// What the practice says is in its own language; the words of this page are English.
function speakIn(language) {
  for (const element of [page.title, page.sentence]) element.lang = language;
  sound.setLanguage(language);
}

function linked(how, words = "") {
  link = how;
  why = words;
  document.body.dataset.link = how;
  if (how === "here") {
    wasVoiceHere = false; // to a new connection this page has said nothing yet
    if (isDecided) tellVoice();
  }
  if (hasEnded()) { openPanel(false); finish(); }
  drawSoon();
}

// -------------------------------------------------------------------------------------------------------- sound

let isDecided = false; // whether the person has said if this page sounds
const isAskingForSound = () => !isDecided && !state?.is_quiet; // beside a guide of one's own there is nothing to ask
let voice = { wants: false, speaks: false };

const tellVoice = () => wire.send({ type: "voice", ...voice });

async function start(wants) {
  isDecided = true;
  page.welcome.hidden = true;
  remember("sound", wants ? "1" : "0");
  keepAwake();
  if (wants) {
    reply("One moment …");
    const found = await sound.claim();
    voice = { wants: found.isRunning, speaks: found.speaks };
    reply(found.isRunning ? "Sound is on here." : "This browser gives the page no sound; the computer speaks.");
  } else {
    voice = { wants: false, speaks: false };
    await sound.release();
  }
  page.sound.checked = voice.wants;
  tellVoice();
}

// Kept while the page is loaded anew; a new page asks again.
function remember(name, value) {
  try { sessionStorage.setItem(`sensorsoma-${name}`, value); } catch { /* forbidden */ }
}
function remembered(name) {
  try { return sessionStorage.getItem(`sensorsoma-${name}`); } catch { return null; }
}

// After a reload the choice is known, but the browser wants a touch or a key again before it sounds.
function resumeSound() {
  const choice = wire.isNewSession ? null : remembered("sound");
  if (choice === null) return;
  isDecided = true;
  page.welcome.hidden = true;
  if (choice === "0") return;
  const claim = () => {
    for (const kind of ["pointerup", "keydown"]) removeEventListener(kind, claim, true);
    if (!sound.isClaimed()) start(true);
  };
  for (const kind of ["pointerup", "keydown"]) addEventListener(kind, claim, true);
}

let lock = null;

async function keepAwake() {
  if (document.visibilityState !== "visible" || link === "over") return;
  try { lock = await navigator.wakeLock?.request("screen"); } catch { /* refused: the computer's own setting holds */ }
}

function finish() {
  lock?.release().catch(() => {});
  lock = null;
  sound.hush();
  light.wake();
}

document.addEventListener("visibilitychange", () => { if (isDecided) keepAwake(); });

// --------------------------------------------------------------------------------------------------------- marks

function mark(kind, detail = "") {
  wire.send({ type: "mark", kind, detail });
  if (link === "away") reply("Kept for a moment, until the session is back.");
}

const pauseOrGoOn = () => mark(state?.phase === "paused" ? "resume" : "pause");

function next() {
  // Nothing is skipped by the first touch of the evening: it gives the page its voice.
  if (!isDecided && (state?.phase ?? "before") === "before") start(true); else mark("next");
}

function supported() {
  mark("supported");
  reply("A pillow supports the knee, noted.");
}

let armedTimer = 0;

function disarm() {
  clearTimeout(armedTimer);
  armedTimer = 0;
  page["stop-words"].textContent = "Stop";
}

function stop() {
  if (armedTimer) { stopNow(); return; }
  armedTimer = setTimeout(disarm, ARMED_MS);
  page["stop-words"].textContent = "Once more";
  reply("Press stop once more to end the practice.", ARMED_MS);
}

function stopNow() {
  disarm();
  reply("");
  mark("stop");
}

// ------------------------------------------------------------------------------------------------------ comfort

let comfortFor = null; // "before", "after", or null while it is not asked
let isComfortOpen = false; // asked for by the person
let comfortTimer = 0;

function askedComfort() {
  if (link !== "here") return null;
  if (isComfortOpen) return shown.comfortWhen(state);
  // In the last step it may be given, but nobody is asked while practising.
  const isBusy = state?.phase === "practice" || state?.phase === "paused";
  return isBusy ? null : state?.asks_comfort ?? null;
}

for (let n = 0; n <= 10; n++) {
  const label = document.createElement("label");
  const radio = Object.assign(document.createElement("input"), { type: "radio", name: "comfort", value: String(n) });
  label.append(radio, Object.assign(document.createElement("span"), { textContent: String(n) }));
  page["comfort-scale"].append(label);
}
const radios = [...page["comfort-scale"].querySelectorAll("input")];

function showComfort(when) {
  comfortFor = when;
  page.comfort.hidden = when === null;
  page.skip.hidden = state?.phase !== "over";
  write(page["comfort-when"], when === "after" ? "Comfort afterwards" : "Comfort now");
  const known = when === null ? null : state?.comfort?.[when];
  for (const radio of radios) radio.checked = radio.value === String(known);
}

function openComfort() {
  openPanel(false);
  isComfortOpen = true;
  showComfort(askedComfort());
  light.wake();
  (radios.find((radio) => radio.checked) ?? radios[0]).focus({ focusVisible: true });
  reply("Comfort, from 0 (not at all) to 10 (wholly).");
}

function closeComfort() {
  isComfortOpen = false;
  const hadFocus = page.comfort.contains(document.activeElement);
  drawSoon();
  if (hadFocus) page.more.focus();
}

function noteComfort() {
  clearTimeout(comfortTimer);
  comfortTimer = 0;
  const radio = radios.find((one) => one.checked);
  if (!radio || !comfortFor) return;
  mark("comfort", `${comfortFor} ${radio.value}`);
  reply(`Comfort ${radio.value}, noted.`);
  closeComfort();
}

// After the end somebody may leave the question alone; the session then closes without a number.
page.skip.addEventListener("click", () => { mark("next"); closeComfort(); });

page.comfort.addEventListener("change", () => {
  clearTimeout(comfortTimer);
  comfortTimer = setTimeout(noteComfort, COMFORT_MS);
});
page.comfort.addEventListener("click", (event) => {
  if (event.detail === 0 || !comfortTimer) return; // by keyboard
  clearTimeout(comfortTimer);
  comfortTimer = setTimeout(noteComfort, COMFORT_TOUCH_MS);
});

function comfortKey(event) {
  const chosen = radios.findIndex((radio) => radio.checked);
  if (/^[0-9]$/.test(event.key)) {
    const number = event.key === "0" && chosen === 1 && comfortTimer ? 10 : Number(event.key);
    radios[number].checked = true;
    radios[number].focus({ focusVisible: true });
    radios[number].dispatchEvent(new Event("change", { bubbles: true }));
  } else if (event.key === "Enter" || (event.key === " " && chosen >= 0 && radios[chosen] === event.target)) noteComfort();
  else if (event.key === "Escape") closeComfort();
  else return false;
  return true;
}

// -------------------------------------------------------------------------------------------------------- panel

let panelTimer = 0;

function openPanel(isOpen) {
  const hadFocus = page.panel.contains(document.activeElement);
  page.panel.hidden = !isOpen;
  page.more.setAttribute("aria-expanded", String(isOpen));
  if (!isOpen && hadFocus) page.more.focus();
  light.wake();
  watchPanel();
}

const togglePanel = () => openPanel(page.panel.hidden);

function watchPanel() {
  clearTimeout(panelTimer);
  if (!page.panel.hidden) panelTimer = setTimeout(closePanelIfLeft, PANEL_MS);
}

// Whoever is in it by keyboard or screen reader is not thrown out: then it closes once they leave.
function closePanelIfLeft() {
  panelTimer = 0;
  if (!page.panel.querySelector(":focus-visible")) openPanel(false);
}

for (const kind of ["pointerdown", "keydown", "wheel"]) addEventListener(kind, watchPanel, { capture: true, passive: true });
page.panel.addEventListener("focusout", ({ relatedTarget: to }) => {
  if (panelTimer || page.panel.hidden || page.panel.contains(to)) return;
  page.panel.hidden = true; // without a word to the focus, which is on its way
  page.more.setAttribute("aria-expanded", "false");
  light.wake();
});
page.safety.addEventListener("toggle", drawSoon);

function fullScreen() {
  const turned = document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen?.();
  turned?.catch(() => {});
}

page.full.hidden = !document.fullscreenEnabled;
page.full.addEventListener("click", fullScreen);
page["give-comfort"].addEventListener("click", openComfort);
page.light.addEventListener("input", () => light.choose(Number(page.light.value)));
page.big.addEventListener("change", () => light.setBig(page.big.checked));
page.sound.addEventListener("change", () => start(page.sound.checked));
page.letters.checked = light.stored("letters") !== "0";
page.letters.addEventListener("change", () => light.stored("letters", page.letters.checked ? "1" : "0"));

// -------------------------------------------------------------------------------------------- buttons and keys

const BUTTONS = {
  start: () => start(true), silent: () => start(false), next, pause: pauseOrGoOn, repeat: () => mark("repeat"),
  back: () => mark("back"), supported, more: togglePanel,
};
for (const [name, act] of Object.entries(BUTTONS)) {
  page[name].addEventListener("click", (event) => {
    act();
    // After a touch the space bar means "next" again, not this button once more.
    if (event.detail > 0) page[name].blur();
  });
}

let holdTimer = 0, hasHeld = false;

function letGo() {
  clearTimeout(holdTimer);
  page.stop.classList.remove("held");
}

page.stop.addEventListener("pointerdown", () => {
  hasHeld = false;
  page.stop.classList.add("held");
  holdTimer = setTimeout(() => { hasHeld = true; letGo(); stopNow(); }, HOLD_MS);
});
for (const kind of ["pointerup", "pointercancel", "pointerleave"]) page.stop.addEventListener(kind, letGo);
page.stop.addEventListener("contextmenu", (event) => event.preventDefault());
page.stop.addEventListener("click", () => {
  if (!hasHeld) stop();
  hasHeld = false;
});

const KEYS = {
  " ": next, Enter: next, ArrowRight: next, n: next, ArrowLeft: () => mark("back"), b: () => mark("back"),
  r: () => mark("repeat"), p: pauseOrGoOn, s: supported, c: openComfort, q: stop, t: () => light.setBig(!light.isBig()),
  f: fullScreen, "?": togglePanel, h: togglePanel, "+": () => dim(1), "=": () => dim(1), "-": () => dim(-1),
};

function dim(by) {
  light.brighter(by);
  reply(`Light: ${light.lightWords()}.`, 1500);
}

const OWN_KEYS = [" ", "Enter", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  const target = event.target instanceof Element ? event.target : document.body;
  if (page.comfort.contains(target) && comfortKey(event)) { event.preventDefault(); return; }
  const isControl = target.matches("button, input, summary");
  if (event.key === "Escape") {
    disarm();
    if (!page.panel.hidden) openPanel(false); else if (isComfortOpen) closeComfort();
    return;
  }
  if (isControl && OWN_KEYS.includes(event.key)) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const act = KEYS[key];
  if (!act || (key.length === 1 && key !== " " && !page.letters.checked)) return;
  event.preventDefault();
  if (!event.repeat || key === "+" || key === "=" || key === "-") act();
});

// ---------------------------------------------------------------------------------------------------------- begin

light.begin({
  staysAwake: () => isAskingForSound() || askedComfort() !== null || hasEnded() || !page.panel.hidden,
});

sound.setHeaders(wire.bearer);
resumeSound();
if (document.prerendering) await new Promise((go) => { document.addEventListener("prerenderingchange", go, { once: true }); });
wire.stayConnected(take, linked);
