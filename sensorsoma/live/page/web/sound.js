// The voice and the bells. A browser lets a page sound only after somebody has touched it, so all begins with `claim`.

const RATE = 0.9; // slower than talking: it is heard lying down
const LOUD = { say: 1, count: 0.9, breath: 0.55, bell: 0.22 };
const PARTIALS = [[220.0, 1.0, 1.1], [442.3, 0.42, 0.8], [607.0, 0.22, 0.5]]; // Hz, share, decay in s: a singing bowl
const FADE_IN_S = 0.25, BELL_S = 2.5; // a fifth of a second or more does not startle
const TEST_MS = 4000, VOICES_MS = 1000;
const KEPT_SOUNDS = 64;

let context = null;
let speaks = false;
let turn = 0; // grows with every hush: what belongs to an earlier turn falls silent
let last = Promise.resolve();
let silence = () => {}; // ends what sounds now
let language = "en";
let headersOf = () => ({}); // what the computer wants to see before it gives a sound
const kept = new Map(); // decoded sounds by address, the newest last

export const isClaimed = () => context !== null;
export const setLanguage = (value) => { language = value; };
export const setHeaders = (value) => { headersOf = value; };

const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));

// Takes the browser's permission to sound; call it from a touch or a key. Tells whether its own voice works.
export async function claim() {
  if (!context) context = new AudioContext();
  const running = context.resume().catch(() => {});
  speaks = await canSpeak();
  await Promise.race([running, sleep(TEST_MS)]);
  return { speaks, isRunning: context.state === "running" };
}

export async function release() {
  hush();
  const old = context;
  context = null;
  await old?.close().catch(() => {});
}

// Some browsers list no voice, others list some and then fail: only a phrase that ends well is proof.
async function canSpeak() {
  if (typeof speechSynthesis === "undefined") return false;
  for (let waited = 0; !speechSynthesis.getVoices().length; waited += 50) {
    if (waited >= VOICES_MS) return false;
    await sleep(50);
  }
  return utter("Hm.", 0, TEST_MS, turn);
}

// ------------------------------------------------------------------------------------------------- one at a time

// Performs a `say` message to its end; false when it was not heard. Later ones wait for earlier ones.
export function perform(message) {
  const mine = turn;
  const done = last.then(() => (mine === turn && context ? sounded(message, mine) : false)).catch(() => false);
  last = done;
  return done;
}

export function hush() {
  turn++;
  silence();
  last = Promise.resolve();
}

async function sounded(message, mine) {
  if (context.state !== "running") await Promise.race([context.resume().catch(() => {}), sleep(500)]);
  const loud = LOUD[message.kind] ?? 1;
  if (message.audio) return played(message.audio, loud, mine);
  if (message.kind === "bell") return ring(mine);
  if (!speaks || !message.text) return false;
  return utter(message.text, loud, 3000 + 150 * message.text.length, mine);
}

// ---------------------------------------------------------------------------------------------------- kinds of sound

function utter(text, loud, limitMs, mine) {
  return new Promise((done) => {
    const words = new SpeechSynthesisUtterance(text);
    Object.assign(words, { lang: language, rate: RATE, volume: loud });
    const timer = setTimeout(() => { speechSynthesis.cancel(); finish(false); }, limitMs);
    const finish = (isHeard) => {
      clearTimeout(timer);
      silence = () => {};
      done(isHeard && mine === turn);
    };
    words.onend = () => finish(true);
    words.onerror = () => finish(false);
    silence = () => { speechSynthesis.cancel(); finish(false); };
    speechSynthesis.speak(words);
  });
}

async function decoded(address) {
  const found = kept.get(address);
  if (found) return found;
  const answer = await fetch(address, { headers: headersOf(), credentials: "omit" });
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  const sound = await context.decodeAudioData(await answer.arrayBuffer());
  kept.set(address, sound);
  if (kept.size > KEPT_SOUNDS) kept.delete(kept.keys().next().value);
  return sound;
}

async function played(address, loud, mine) {
  const sound = await decoded(address);
  if (mine !== turn || !context) return false;
  const source = new AudioBufferSourceNode(context, { buffer: sound });
  const volume = new GainNode(context, { gain: loud });
  source.connect(volume).connect(context.destination);
  return toItsEnd([source], volume, sound.duration, mine);
}

function ring(mine) {
  const now = context.currentTime;
  const volume = new GainNode(context, { gain: 0 });
  volume.connect(context.destination);
  volume.gain.setValueAtTime(0, now);
  volume.gain.linearRampToValueAtTime(LOUD.bell, now + FADE_IN_S);
  volume.gain.setValueAtTime(LOUD.bell, now + 0.8 * BELL_S);
  volume.gain.linearRampToValueAtTime(0, now + BELL_S);
  const tones = PARTIALS.map(([frequency, share, decay]) => {
    const tone = new OscillatorNode(context, { frequency });
    const fading = new GainNode(context, { gain: share });
    fading.gain.setTargetAtTime(0, now + FADE_IN_S, decay);
    tone.connect(fading).connect(volume);
    return tone;
  });
  return toItsEnd(tones, volume, BELL_S, mine);
}

// Starts the sources together; a hush takes 50 ms, since cutting a sound clicks.
function toItsEnd(sources, volume, seconds, mine) {
  return new Promise((done) => {
    const timer = setTimeout(() => finish(false), 1000 * seconds + 2000);
    const finish = (isHeard) => {
      clearTimeout(timer);
      silence = () => {};
      done(isHeard && mine === turn);
    };
    sources[0].onended = () => { finish(true); volume.disconnect(); };
    silence = () => {
      const now = volume.context.currentTime;
      volume.gain.cancelScheduledValues(now);
      volume.gain.setTargetAtTime(0, now, 0.012);
      for (const source of sources) source.stop(now + 0.05);
      finish(false);
    };
    const begin = volume.context.currentTime;
    for (const source of sources) {
      source.start(begin);
      if (source instanceof OscillatorNode) source.stop(begin + seconds);
    }
  });
}
