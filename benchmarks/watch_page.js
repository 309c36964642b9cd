// Runs in the page before anything else: stamps when awaited text was painted, and when the server last sent something.
(() => {
  const bench = (window.bench = { painted: {}, submitted: 0, messages: 0, heard: 0 });
  const awaited = new Map();
  const painted = new MessageChannel();
  let looking = false;
  let found = [];

  // A frame callback runs before its frame is painted, a message posted from it after.
  const look = () => {
    looking = false;
    for (const [text, where] of awaited) {
      if ([...document.querySelectorAll(where)].some((node) => node.textContent.includes(text))) {
        awaited.delete(text);
        found.push(text);
      }
    }
    if (found.length) painted.port2.postMessage(0);
  };
  painted.port1.onmessage = () => {
    for (const text of found.splice(0)) bench.painted[text] = Date.now() / 1000;
  };
  const lookSoon = () => {
    if (looking || !awaited.size) return;
    looking = true;
    requestAnimationFrame(look);
  };
  bench.await = (text, where = "body") => {
    awaited.set(text, where);
    lookSoon();
  };
  // Who sends over no websocket is known by what changes.
  const changed = () => {
    if (!bench.messages) bench.heard = Date.now() / 1000;
    lookSoon();
  };
  new MutationObserver(changed).observe(document, { subtree: true, childList: true, characterData: true });

  addEventListener("keydown", (event) => {
    if (event.key === "Enter") bench.submitted = Date.now() / 1000;
  }, true);

  window.WebSocket = class extends WebSocket {
    constructor(...how) {
      super(...how);
      this.addEventListener("message", () => {
        bench.messages += 1;
        bench.heard = Date.now() / 1000;
      });
    }
  };
})();
