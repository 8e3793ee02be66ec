// The link to the gateway. It lives in a worker, because browsers slow the timers of a page in the background down to
// one a minute, and a dead link must show within seconds.
//
// To the page: {type: "rows", rows} | {type: "tick", now_ms, store} | {type: "ladders", ids} | {type: "presence", at} | {type: "reset"} | {type: "signed_out"}
//   | {type: "link", state: "connecting" | "up" | "dead", silent_ms} | {type: "beat"} once a second
// From the page: {type: "start", last, watchdog} | {type: "try"}

const GATHER_MS = 40; // rows of a burst go to the page together
const BROKEN_MS = 5000; // a connection that is refused this long is called dead before the watchdog barks
const ANSWER_MS = 5000; // a new connection that brings nothing for so long is given up

let last = null; // id of the newest row handed to the page; null: none known yet, the page reads the queue first
let watchdog = 15000;
let source = null;
let openedAt = 0;
let heardAt = performance.now();
let brokenAt = null;
let state = "connecting";
let waiting = [];
let timer = null;
let sentAt = 0;

function report(next) {
  if (next === state) return;
  state = next;
  postMessage({ type: "link", state, silent_ms: performance.now() - heardAt });
}

function heard() {
  heardAt = performance.now();
  brokenAt = null;
  report("up");
}

function flush() {
  timer = null;
  if (!waiting.length) return;
  sentAt = performance.now();
  postMessage({ type: "rows", rows: waiting });
  waiting = [];
}

function row(event) {
  heard();
  const id = Number(event.lastEventId);
  if (last !== null && id <= last) return; // already there
  last = id;
  waiting.push({ id, ...JSON.parse(event.data) });
  if (timer !== null) return;
  const pause = sentAt + GATHER_MS - performance.now();
  if (pause <= 0) flush();
  else timer = setTimeout(flush, pause);
}

function open() {
  if (source) source.close();
  openedAt = performance.now();
  source = new EventSource(last === null ? "/live" : `/live?after=${last}`);
  const mine = source;
  mine.onmessage = row;
  mine.addEventListener("tick", (event) => {
    heard();
    flush();
    postMessage({ type: "tick", ...JSON.parse(event.data) });
  });
  mine.addEventListener("ladders", (event) => {
    heard();
    postMessage({ type: "ladders", ...JSON.parse(event.data) });
  });
  mine.addEventListener("presence", (event) => {
    heard();
    postMessage({ type: "presence", ...JSON.parse(event.data) });
  });
  mine.addEventListener("reset", (event) => {
    heard();
    last = JSON.parse(event.data).last;
    waiting = [];
    postMessage({ type: "reset" });
  });
  mine.addEventListener("signed_out", () => signedOut());
  mine.onerror = () => {
    if (mine !== source) return;
    brokenAt ??= performance.now();
    if (state === "up") report("connecting");
    if (mine.readyState === EventSource.CLOSED) refused();
  };
}

// The gateway answered, but not with a stream: the session is over, or it is just starting.
async function refused() {
  source = null;
  try {
    const answer = await fetch("/session", { cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
    if (answer.status === 401) signedOut();
  } catch {
    // not reachable: the watch below opens it again
  }
}

let over = false;
function signedOut() {
  over = true;
  if (source) source.close();
  source = null;
  postMessage({ type: "signed_out" });
}

function watch() {
  postMessage({ type: "beat" });
  if (over) return;
  const at = performance.now();
  const silent = at - heardAt > watchdog;
  if (silent || (brokenAt !== null && at - brokenAt > BROKEN_MS)) report("dead");
  const stale = silent && at - openedAt > Math.min(ANSWER_MS, watchdog);
  if (source === null || stale) open();
}

onmessage = ({ data }) => {
  if (data.type === "start") {
    last = data.last;
    watchdog = data.watchdog;
    heardAt = performance.now();
    open();
    setInterval(watch, Math.min(1000, watchdog / 4));
  } else if (data.type === "try" && !over) {
    open();
  }
};
