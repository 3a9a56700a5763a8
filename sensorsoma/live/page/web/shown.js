// What a state of the practice looks like: text and numbers out, nothing drawn. No page in here.

const MOVING = new Set(["knee_fall", "knee_in", "leg_slide", "leg_back"]); // the limb is on its way: its angle matters

const NOTHING = { text: "", unit: "", spoken: "Nothing is counted now", isLive: false };

const whole = (value) => String(Math.floor(value + 1e-6));
const rounded = (value) => Math.round(value) || 0; // never "-0"
const degrees = (value) => `${rounded(value)}°`;
const isNumber = (value) => typeof value === "number";

// The one number that matters now: {text, unit, spoken, isLive}. Live ones change many times a second and do not fade.
// What nothing counts or measures has no number: never 0.
export function figure(state) {
  const { step, count, asked_reps: reps, breaths, asked_breaths: rest, hold_s: held, asked_s: asked } = state;
  const angle = state.angle_deg;
  if (!step || state.phase === "over") return NOTHING;
  if (isNumber(reps)) return isNumber(count) ? counted(count, reps, "repetitions") : NOTHING;
  if (isNumber(held) && (step.do === "pelvic_hold" || !isNumber(rest))) {
    const of = isNumber(asked) ? ` of ${whole(asked)}` : "";
    return { text: whole(held), unit: `s${of}`, spoken: `Held for ${whole(held)}${of} seconds`, isLive: false };
  }
  if (MOVING.has(step.do) && isNumber(angle) && !breaths) {
    return { text: degrees(angle), unit: "", spoken: `The leg is at ${rounded(angle)} degrees`, isLive: true };
  }
  if (isNumber(breaths)) return counted(breaths, rest ?? null, "breaths");
  if (isNumber(rest)) return NOTHING;
  if (isNumber(count)) return counted(count, null, "repetitions");
  if (isNumber(angle)) {
    return { text: degrees(angle), unit: "", spoken: `The angle is ${rounded(angle)} degrees`, isLive: true };
  }
  return NOTHING;
}

function counted(n, of, what) {
  const one = n === 1 && of === null ? what.slice(0, -1) : what;
  const unit = [of === null ? "" : `of ${of}`, what === "breaths" ? one : ""].filter(Boolean).join(" ");
  return { text: String(n), unit, spoken: `${n}${of === null ? "" : ` of ${of}`} ${one}`, isLive: false };
}

export function place(state) {
  if (state.phase === "over") return "The practice is over";
  if (!state.step) return "Getting ready";
  return `Step ${state.step.index} of ${state.step.of}${state.phase === "paused" ? ", paused" : ""}`;
}

export const title = (state) => (state.phase !== "over" && state.step?.title) || "SensorSoma";

// "3 of 26 Clamshell, right": what a tab and a screen reader name this page by.
export function tabTitle(state) {
  if (!state.step || state.phase === "over") return "SensorSoma";
  return `${state.step.index} of ${state.step.of} ${state.step.title} · SensorSoma`;
}

// The small print, most important first: {name, text} each.
export function facts(state) {
  const out = [];
  if (state.is_simulated) out.push({ name: "simulated", text: "simulated" });
  if (isNumber(state.angle_deg) && !figure(state).isLive) out.push({ name: "angle", text: degrees(state.angle_deg) });
  for (const sensor of state.sensors ?? []) {
    const battery = isNumber(sensor.battery_percent) ? ` ${sensor.battery_percent} %` : "";
    out.push({ name: sensor.state, text: `${sensor.channel.replace("-", " ")} ${sensor.words}${battery}` });
  }
  if (state.is_quiet) out.push({ name: "quiet", text: "quiet" });
  return out;
}

// Which comfort is meant when somebody gives one unasked.
export function comfortWhen(state) {
  if (state?.asks_comfort) return state.asks_comfort;
  const isEarly = !state || (state.phase !== "over" && (state.step?.index ?? 1) <= 1);
  return isEarly ? "before" : "after";
}
