// This phone as a sensor: motion events in, small binary frames out. The format is in firmware_notes/phone_page.md.
// Nothing is guessed from the browser's name: what it can do is asked, and its sign convention is measured.

const VERSION = 1, HEAD_BYTES = 12, SAMPLE_BYTES = 32;
const PACK_SAMPLES = 3; // one frame: 50 ms at 60 Hz
const PACK_MS = 100; // a slower browser's readings do not wait longer than this
const KEEP_SAMPLES = 1200; // 20 s without the computer; older readings are let go
const ANSWER_MS = 4000; // longer than any healthy home network takes
const HOLD_MS = 3000;
const BLACK_AFTER_MS = 10000;
const GIVE_UP_MS = 600000; // a computer that is silent for ten minutes has gone to sleep: so may the phone
const POST_BYTES = 60000;
const REPLACED = 4001; // the computer closes the socket of a page that was opened a second time

const page = {};
for (const id of ["line", "hint", "warning", "start", "stop", "stop-hint", "black"]) page[id] = document.getElementById(id);

let key = null; // what this browser calls itself to the computer once it is paired
let place = "";
let isRunning = false;
let lock = null;

// ------------------------------------------------------------------------------------------------ what is shown

function show(state, line, hint = "") {
  document.body.dataset.state = state;
  page.line.textContent = line;
  page.hint.textContent = hint;
  const isOn = state === "streaming" || state === "away" || state === "connecting";
  page.start.hidden = !(state === "ready" || state === "stopped");
  page.start.textContent = state === "stopped" ? "Start again" : "Start";
  page.stop.hidden = page["stop-hint"].hidden = !isOn;
  if (!isOn) light();
}

function warn(sentence) {
  page.warning.textContent = sentence;
}

let blackTimer = 0;

function light() {
  clearTimeout(blackTimer);
  page.black.hidden = true;
}

function darkenSoon() {
  clearTimeout(blackTimer);
  blackTimer = setTimeout(() => {
    if (document.querySelector(".held")) darkenSoon(); else page.black.hidden = !isRunning;
  }, BLACK_AFTER_MS);
}

function ready() {
  show("ready", `This phone becomes the sensor for the ${place}.`,
    "Tap once to start. If the phone asks whether the page may use motion sensors, allow it.");
}

function refused(sentence) {
  isRunning = false;
  forgetKey();
  finish();
  show("refused", sentence || "This page does not belong to a session that is running.",
    "Scan the code that the computer shows now; where it shows none, start again there.");
}

// ------------------------------------------------------------------------------------------------------ pairing

// Kept for reloads; where storage is forbidden, this page alone knows it.
function storage(act) {
  try { return act(window.localStorage); } catch { return null; }
}
const rememberKey = (value) => storage((store) => store.setItem("sensorsoma-key", value));
const rememberedKey = () => storage((store) => store.getItem("sensorsoma-key"));
const forgetKey = () => storage((store) => store.removeItem("sensorsoma-key"));

async function ask(path, secret, body = undefined, method = "POST") {
  const cancel = new AbortController();
  const timer = setTimeout(() => cancel.abort(), ANSWER_MS);
  try {
    return await fetch(path, {
      method, body, signal: cancel.signal, cache: "no-store", credentials: "omit",
      headers: { Authorization: `Bearer ${secret}` },
    });
  } finally {
    clearTimeout(timer);
  }
}

const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));

async function untilAnswered(act) {
  for (;;) {
    try { return await act(); } catch {
      show("joining", "The computer does not answer yet.", "Are phone and computer in the same Wi-Fi? Trying again …");
      await sleep(1000);
    }
  }
}

async function join() {
  const token = location.hash.slice(1);
  if (token) history.replaceState(null, "", location.pathname);
  if (!window.isSecureContext) {
    show("trouble", "This page was opened without protection, so the phone gives it no sensors.",
      "Open the address from the computer's screen again: it begins with https.");
    return;
  }
  if (typeof DeviceMotionEvent === "undefined") {
    show("trouble", "This browser gives pages no motion sensors.",
      "Open the page in Safari on an iPhone, or in Chrome or Firefox on Android.");
    return;
  }
  let sentence = "";
  if (token) {
    const answer = await untilAnswered(() => ask("join", token));
    if (answer.ok) {
      ({ key, place } = await answer.json());
      rememberKey(key);
      ready();
      return;
    }
    sentence = await answer.text();
  }
  const kept = rememberedKey();
  if (kept) {
    const answer = await untilAnswered(() => ask("hello", kept));
    if (answer.ok) {
      key = kept;
      ({ place } = await answer.json());
      ready();
      return;
    }
  }
  refused(sentence || (token ? "" : "To pair this phone, scan the code that the computer shows."));
}

// ------------------------------------------------------------------------------------------------------- motion

let clock = 0; // which run of this page's clock; a new one when the clock stood still or the wall clock was set
let wallOffset = 0;
let number = 0;
let gathered = [];
let queue = []; // frames that the computer has not acknowledged: {clock, end, bytes}
let nSent = 0; // how many of them are on their way
let sign = 0, votes = 0, tilt = null;
let hasReading = false;

function beginClock() {
  clock = crypto.getRandomValues(new Uint32Array(1))[0];
  wallOffset = Date.now() - performance.now();
  number = 0;
}

function onTilt(event) {
  if (event.beta === null || event.gamma === null) return;
  const b = event.beta * Math.PI / 180, g = event.gamma * Math.PI / 180;
  tilt = { at: performance.now(), up: [-Math.cos(b) * Math.sin(g), Math.sin(b), Math.cos(b) * Math.cos(g)] };
}

// Browsers disagree on the sign of acceleration, not on that of orientation: where up is, a phone at rest feels +9.8.
function vote(acc) {
  if (sign !== 0 || tilt === null || performance.now() - tilt.at > 300) return;
  const length = Math.hypot(...acc);
  if (!(length > 5 && length < 15)) return;
  const share = (acc[0] * tilt.up[0] + acc[1] * tilt.up[1] + acc[2] * tilt.up[2]) / length;
  if (Math.abs(share) > 0.8) votes += Math.sign(share);
  if (Math.abs(votes) >= 12) sign = Math.sign(votes);
}

function onMotion(event) {
  const a = event.accelerationIncludingGravity, r = event.rotationRate;
  if (!a || a.x === null || a.y === null || a.z === null) return;
  const now = performance.now();
  if (Math.abs(Date.now() - now - wallOffset) > 1000) {
    pack();
    beginClock();
  }
  const at = Math.abs(now - event.timeStamp) < 10000 ? event.timeStamp : now;
  const hasRate = r && r.alpha !== null && r.beta !== null && r.gamma !== null;
  if (!hasReading && page.warning.textContent === NO_READINGS) warn("");
  hasReading = true;
  gathered.push([at, a.x, a.y, a.z, ...(hasRate ? [r.alpha, r.beta, r.gamma] : [NaN, NaN, NaN])]);
  vote([a.x, a.y, a.z]);
  if (gathered.length >= PACK_SAMPLES) sendGathered();
}

function pack() {
  if (!gathered.length) return;
  const bytes = new ArrayBuffer(HEAD_BYTES + SAMPLE_BYTES * gathered.length);
  const view = new DataView(bytes);
  view.setUint8(0, VERSION);
  view.setInt8(1, sign);
  view.setUint16(2, gathered.length, true);
  view.setUint32(4, clock, true);
  view.setUint32(8, number, true);
  gathered.forEach((row, index) => {
    const at = HEAD_BYTES + SAMPLE_BYTES * index;
    view.setFloat64(at, row[0], true);
    for (let n = 1; n < 7; n++) view.setFloat32(at + 4 + 4 * n, row[n], true);
  });
  number += gathered.length;
  queue.push({ clock, end: number, n: gathered.length, bytes });
  gathered = [];
  wakePoster();
  for (let kept = queue.reduce((sum, frame) => sum + frame.n, 0); kept > KEEP_SAMPLES; nSent = Math.max(0, nSent - 1)) {
    kept -= queue.shift().n;
  }
}

function acknowledged(answer) {
  let n = 0;
  queue.forEach((frame, index) => { if (frame.clock === answer.clock && frame.end <= answer.got) n = index + 1; });
  queue.splice(0, n);
  nSent = Math.max(0, nSent - n);
}

// -------------------------------------------------------------------------------------------------- to the computer

const WORN = {
  belly: "Lay the phone on the lower belly, screen up.",
  pelvis: "Strap the phone on at the level of the front hip bones, screen outward.",
  thigh: "Strap the phone on: screen outward, long side along the thigh, a hand's width above the knee.",
};

let socket = null;
let nFailedSockets = 0;
let answeredAt = 0;

function here() {
  answeredAt = performance.now();
  if (!isRunning || document.body.dataset.state === "streaming") return;
  show("streaming", `Measuring for the ${place}.`, WORN[place] || WORN.thigh);
}

function away() {
  if (!isRunning || document.body.dataset.state === "away") return;
  show("away", "The computer is out of reach.", "Measuring goes on, and what is measured is kept for 20 seconds.");
}

function sendGathered() {
  pack();
  sendNew();
}

function sendNew() {
  if (!socket || socket.readyState !== WebSocket.OPEN || socket.bufferedAmount > 65536) return;
  for (; nSent < queue.length; nSent++) socket.send(queue[nSent].bytes);
  if (performance.now() - answeredAt > ANSWER_MS) socket.close();
}

function overSocket() {
  return new Promise((done) => {
    let hasOpened = false;
    const url = new URL(`stream?key=${encodeURIComponent(key)}`, location.href.replace(/^http/, "ws"));
    try { socket = new WebSocket(url); } catch { done(null); return; }
    const timer = setTimeout(() => socket.close(), ANSWER_MS);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      hasOpened = true;
      clearTimeout(timer);
      nSent = 0;
      here();
      sendNew();
    };
    socket.onmessage = (message) => {
      here();
      acknowledged(JSON.parse(message.data));
    };
    socket.onclose = (event) => {
      clearTimeout(timer);
      socket = null;
      done(hasOpened ? event.code : null);
    };
  });
}

let wakePoster = () => {};
const nextFrame = () => new Promise((wake) => { wakePoster = wake; });

async function overPost() {
  for (let frame = Promise.resolve(); isRunning; await frame) {
    frame = Promise.race([nextFrame(), sleep(ANSWER_MS)]);
    const parts = [];
    for (let n = 0, size = 0; n < queue.length && size < POST_BYTES; n++) {
      parts.push(queue[n].bytes);
      size += queue[n].bytes.byteLength;
    }
    if (!parts.length) continue;
    const answer = await ask("packets", key, new Blob(parts));
    if (answer.status === 403) { refused(await answer.text()); return; }
    if (!answer.ok) throw new Error(answer.status);
    const told = await answer.json();
    if (told.fresh) return;
    acknowledged(told);
    here();
  }
}

let turn = 0; // counts starts: a loop of an earlier one must not go on beside the new one

async function keepConnected() {
  const mine = ++turn;
  answeredAt = performance.now();
  while (isRunning && mine === turn) {
    try {
      const answer = await ask("hello", key);
      if (answer.status === 403) { refused(await answer.text()); return; }
      const told = await answer.json();
      if (told.fresh) queue = []; else acknowledged(told);
      nSent = 0;
      here();
      const code = typeof WebSocket === "undefined" || nFailedSockets > 2 ? null : await overSocket();
      if (code === REPLACED) { stop("This page was opened once more; the other one measures now.", false); return; }
      if (code === null) { // never opened, as on an iPhone with a certificate of our own
        nFailedSockets++;
        if (isRunning) await overPost();
      }
    } catch { /* no answer: seen below */ }
    if (!isRunning || mine !== turn) return;
    away();
    if (performance.now() - answeredAt > GIVE_UP_MS) {
      stop("The computer was silent for ten minutes, so this page has stopped.", false);
      return;
    }
    await sleep(500);
  }
}

// ------------------------------------------------------------------------------------------------ start and stop

async function keepAwake() {
  if (!isRunning || document.visibilityState !== "visible") return;
  if (!navigator.wakeLock) {
    warn("This browser cannot keep the screen on: set automatic locking to never for this evening.");
    return;
  }
  try { lock = await navigator.wakeLock.request("screen"); } catch {
    warn("The phone did not let this page keep the screen on: set automatic locking to never for this evening.");
  }
}

async function isAllowed() {
  const asked = [];
  for (const kind of [globalThis.DeviceMotionEvent, globalThis.DeviceOrientationEvent]) {
    if (kind && typeof kind.requestPermission === "function") asked.push(kind.requestPermission());
  }
  try { return (await Promise.all(asked)).every((answer) => answer === "granted"); } catch { return false; }
}

const NO_READINGS = "No motion readings come. Is this page open in the browser itself, not inside another app?";
let packTimer = 0, readingTimer = 0;

async function start() {
  if (isRunning || !key) return;
  if (!await isAllowed()) {
    warn("The phone did not allow motion sensors for this page. Close this tab, scan the code again and allow them; "
      + "if nothing is asked, look for motion sensors in the browser's settings for this page.");
    return;
  }
  isRunning = true;
  warn("");
  hasReading = false;
  gathered = [];
  queue = [];
  nSent = 0;
  beginClock();
  show("connecting", "Starting …");
  Promise.resolve(document.documentElement.requestFullscreen?.()).catch(() => {});
  addEventListener("deviceorientation", onTilt);
  addEventListener("devicemotion", onMotion);
  packTimer = setInterval(sendGathered, PACK_MS);
  readingTimer = setTimeout(() => {
    if (!hasReading) warn(NO_READINGS);
  }, 3000);
  keepAwake();
  darkenSoon();
  keepConnected();
}

function finish() {
  removeEventListener("devicemotion", onMotion);
  removeEventListener("deviceorientation", onTilt);
  clearInterval(packTimer);
  clearTimeout(readingTimer);
  lock?.release().catch(() => {});
  lock = null;
  if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
}

async function stop(line, isToTell = true) {
  if (!isRunning) return;
  isRunning = false;
  finish();
  pack();
  show("stopped", isToTell ? "Stopping …" : line);
  socket?.close();
  for (let n = 0; isToTell && n < 10; n++) {
    try {
      const answer = await ask("stop", key, new Blob(queue.map((frame) => frame.bytes)));
      if (!answer.ok) break;
      show("stopped", line);
      return;
    } catch { /* once more */ }
    await sleep(1000);
  }
  if (isToTell) show("stopped", "Stopped here.", "The computer could not be told; please stop there too.");
}

const STOPPED = "Stopped; the computer knows.";

// A hand that rests on the screen touches it with more than one finger or moves: neither is a wish to stop.
function holdToStop(element) {
  let timer = 0, from = null;
  const cancel = () => {
    clearTimeout(timer);
    from = null;
    element.classList.remove("held");
  };
  const begin = (x, y) => {
    from = [x, y];
    element.classList.add("held");
    navigator.vibrate?.(30);
    timer = setTimeout(() => { cancel(); stop(STOPPED); }, HOLD_MS);
  };
  element.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    if (from || !event.isPrimary) cancel(); else begin(event.clientX, event.clientY);
  });
  element.addEventListener("pointermove", (event) => {
    if (from && Math.hypot(event.clientX - from[0], event.clientY - from[1]) > 40) cancel();
  });
  for (const kind of ["pointerup", "pointercancel", "pointerleave", "blur"]) element.addEventListener(kind, cancel);
  for (const kind of ["touchstart", "contextmenu"]) {
    element.addEventListener(kind, (event) => event.preventDefault(), { passive: false });
  }
  element.addEventListener("keydown", (event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    if (!event.repeat && !from) begin(0, 0);
  });
  element.addEventListener("keyup", cancel);
}

// Screen readers press without holding: twice within six seconds stands for holding.
let pressedAt = -Infinity;
page.stop.addEventListener("click", (event) => {
  if (event.detail !== 0) return;
  if (performance.now() - pressedAt < 6000) stop(STOPPED);
  pressedAt = performance.now();
  warn("Press once more to stop.");
});

let hiddenAt = null;
document.addEventListener("visibilitychange", () => {
  if (!isRunning) return;
  if (document.visibilityState !== "visible") {
    hiddenAt = performance.now();
    return;
  }
  if (hiddenAt !== null) {
    const seconds = Math.max(1, Math.round((performance.now() - hiddenAt) / 1000));
    warn(`This page was out of sight for ${seconds} s, and nothing was measured then. Keep it in front, screen on.`);
  }
  hiddenAt = null;
  light();
  darkenSoon();
  keepAwake();
});

holdToStop(page.stop);
holdToStop(page.black);
page.start.addEventListener("click", start);
if (document.prerendering) document.addEventListener("prerenderingchange", join, { once: true });
else join();
