// The line to the session on the computer: a WebSocket, or POST where that is refused; comes back by itself.

const RETRY_MS = 500, RETRY_MOST_MS = 3000, RETRY_GROWS = 1.5;
const AWAY_AFTER_MS = 1500; // shorter absences are nobody's business
const SILENT_MS = 6000; // the computer says something at least every two seconds
const ANSWER_MS = 4000; // longer than any healthy home network takes
const POLL_MS = 40;
const KEEP_MS = 5000; // a wish is not carried out long after it was made; "stop" is
const REPLACED = 4001, FULL = 4429, FORBIDDEN = new Set([1008, 4401, 4403]);

const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));

let key = null;
let socket = null;
let isPolling = false;
let isEnded = false;
let outbox = []; // {message, at}
let heardAt = 0;
let isHere = false;
let refusal = ""; // why a code was not taken, in the computer's words
let awayTimer = 0;
let take = () => {};
let tell = () => {};

// ---------------------------------------------------------------------------------------------------- the key

const isAfar = location.protocol === "https:"; // a code works once: a tablet that closed the tab needs its key again

// Where storage is forbidden, this page alone knows it.
function memory(name, value) {
  try {
    const store = isAfar && name === "key" ? localStorage : sessionStorage;
    if (value !== undefined) store.setItem(`sensorsoma-page-${name}`, value);
    return store.getItem(`sensorsoma-page-${name}`);
  } catch { return null; }
}

const pageId = memory("id") ?? crypto.getRandomValues(new Uint32Array(2)).join("-"); // tells two tabs apart
memory("id", pageId);

// Whether this tab comes to a session that it has not seen: what was chosen for an earlier one is no choice for it.
export const isNewSession = location.hash.length > 1 && location.hash.slice(1) !== memory("key");

export const bearer = () => ({ Authorization: `Bearer ${key ?? ""}` });

async function post(path, secret, body) {
  const cancel = new AbortController();
  const timer = setTimeout(() => cancel.abort(), ANSWER_MS);
  try {
    return await fetch(path, {
      method: "POST", body, signal: cancel.signal, cache: "no-store", credentials: "omit",
      headers: { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" },
    });
  } finally {
    clearTimeout(timer);
  }
}

// The address holds a key on this computer; from elsewhere (TLS) a code that works once and is changed for a key.
async function findKey() {
  const secret = location.hash.slice(1);
  if (secret) history.replaceState(null, "", location.pathname + location.search);
  if (!secret) return memory("key");
  if (!isAfar) { memory("key", secret); return secret; }
  for (;;) {
    try {
      const answer = await post("join", secret, "{}");
      if (answer.ok) {
        const { key: found } = await answer.json();
        memory("key", found);
        return found;
      }
      refusal = await answer.text();
      return memory("key"); // a tablet that opens its old address again
    } catch { await sleep(RETRY_MOST_MS / 3); }
  }
}

// ---------------------------------------------------------------------------------------------- what is heard

function here() {
  heardAt = performance.now();
  clearTimeout(awayTimer);
  awayTimer = 0;
  if (isHere || isEnded) return;
  isHere = true;
  tell("here"); // also after an absence too short to be told
}

function gone() {
  isHere = false;
  if (isEnded || awayTimer) return;
  awayTimer = setTimeout(() => { if (!isEnded) tell("away"); }, AWAY_AFTER_MS);
}

function end(how, words = "") {
  isEnded = true;
  clearTimeout(awayTimer);
  tell(how, words);
  socket?.close();
}

function heard(message) {
  here();
  if (message.type === "bye") end("over");
  take(message);
}

// ------------------------------------------------------------------------------------------------ what is sent

const hello = () => ({ type: "hello", key, page: pageId });

export function send(message) {
  if (isEnded) return;
  if (socket?.readyState === WebSocket.OPEN) { socket.send(JSON.stringify(message)); return; }
  outbox.push({ message, at: performance.now() });
  if (isPolling) poll().catch(() => {}); // what failed is still in the outbox
}

function waiting() {
  const now = performance.now();
  const out = outbox.filter(({ message, at }) => now - at < KEEP_MS || message.kind === "stop");
  outbox = [];
  return out;
}

// ------------------------------------------------------------------------------------------------- two ways

// Resolves once the socket is closed, with whether it had been open.
function overSocket() {
  return new Promise((done) => {
    if (typeof WebSocket === "undefined") { done(false); return; }
    let hasOpened = false;
    let mine;
    try { mine = new WebSocket(new URL("live", location.href.replace(/^http/, "ws").replace(/#.*$/, ""))); } catch {
      done(false);
      return;
    }
    socket = mine;
    const opening = setTimeout(() => mine.close(), ANSWER_MS);
    const watching = setInterval(() => {
      if (hasOpened && performance.now() - heardAt > SILENT_MS) { gone(); mine.close(); finish(1006); }
    }, 1000);
    const finish = (code) => {
      clearTimeout(opening);
      clearInterval(watching);
      if (socket === mine) socket = null;
      if (code === REPLACED) end("replaced");
      else if (code === FULL) end("full");
      else if (FORBIDDEN.has(code)) end("refused");
      done(hasOpened);
    };
    mine.onopen = () => {
      clearTimeout(opening);
      hasOpened = true;
      heardAt = performance.now();
      mine.send(JSON.stringify(hello()));
      for (const { message } of waiting()) mine.send(JSON.stringify(message));
    };
    mine.onmessage = (event) => { if (socket === mine) heard(JSON.parse(event.data)); };
    mine.onclose = (event) => { if (socket === mine) finish(event.code); };
  });
}

async function poll() {
  const out = waiting();
  const body = JSON.stringify(out.map(({ message }) => message));
  try {
    const answer = await post(`poll?page=${pageId}`, key, body);
    if (answer.status === 401 || answer.status === 403) { end("refused"); return; }
    if (answer.status === 429) { end("full"); return; }
    if (!answer.ok) throw new Error(String(answer.status));
    const told = await answer.json();
    here();
    told.forEach(heard);
  } catch (error) {
    outbox = [...out, ...outbox];
    throw error;
  }
}

async function overPoll() {
  await poll();
  isPolling = true;
  try {
    while (!isEnded) {
      const began = performance.now();
      await poll();
      await sleep(Math.max(0, POLL_MS - (performance.now() - began)));
    }
  } finally {
    isPolling = false;
  }
}

// Stays connected until the session is over. `onMessage` gets every message; `onLink` one of here, away, refused,
// replaced, full, over, with words where the computer gave some.
export async function stayConnected(onMessage, onLink) {
  take = onMessage;
  tell = onLink;
  gone();
  key = await findKey();
  if (!key) { end("refused", refusal); return; }
  let wait = RETRY_MS, nUnopened = 0;
  while (!isEnded) {
    const before = heardAt;
    if (await overSocket()) nUnopened = 0; else nUnopened++;
    if (isEnded) return;
    gone();
    if (nUnopened >= 2) {
      try { await overPoll(); } catch { /* no answer either */ }
      if (isEnded) return;
      gone();
    }
    wait = heardAt > before ? RETRY_MS : Math.min(RETRY_MOST_MS, wait * RETRY_GROWS);
    await sleep(wait);
  }
}

addEventListener("offline", () => socket?.close());
