/*
 * Asks people inside your product. One script tag, see docs/widget.md:
 *   <script src="https://feedback.example.com/widget/v1.js" data-identity="SIGNED" async></script>
 * No dependencies, no cookies, no eval, no inline styles: it runs under `script-src 'nonce-…'` and a strict `style-src`.
 */
(() => {
  "use strict";
  if (window.feedbackRouter) return;

  const script = document.currentScript;
  const server = new URL("/v1/widget/", script.src);
  const STORE = "feedback-router";
  const LOOK_EVERY_MS = 1000;
  const SCORE_SETTLES_MS = 900; // arrow keys pass over scores that nobody means
  const DAY_MS = 86_400_000;

  let identity = script.dataset.identity || "";
  let isSuppressed = "suppressed" in script.dataset;
  let offer = null; // what the server would have us show
  let shown = null; // the widget on the page, and what ends it

  // ---- what this browser remembers -------------------------------------------------------------------------------

  // Storage can be forbidden; then a tab is new with every page, and visitors are not asked.
  const remembered = (storage, name) => {
    try {
      return window[storage].getItem(`${STORE}:${name}`);
    } catch {
      return null;
    }
  };
  const remember = (storage, name, value) => {
    try {
      window[storage].setItem(`${STORE}:${name}`, value);
      return true;
    } catch {
      return false;
    }
  };
  const random = () => {
    const numbers = crypto.getRandomValues(new Uint32Array(4));
    return Array.from(numbers, (number) => number.toString(16).padStart(8, "0")).join("");
  };
  const tab = remembered("sessionStorage", "tab") || random();
  remember("sessionStorage", "tab", tab);

  // ---- the server ------------------------------------------------------------------------------------------------

  const call = async (path, body) => {
    const headers = {};
    if (identity) headers.Authorization = `Bearer ${identity}`;
    if (body) headers["Content-Type"] = "application/json";
    const answer = await fetch(new URL(path, server), {
      method: body ? "POST" : "GET",
      headers,
      body: body && JSON.stringify(body),
      credentials: "omit",
      referrerPolicy: "no-referrer",
      cache: "no-store",
      keepalive: Boolean(body), // an answer is sent even if the page is left meanwhile
    });
    if (!answer.ok) throw new Error(`feedback: ${answer.status}`);
    return answer.status === 204 ? null : answer.json();
  };

  // ---- whether to show -------------------------------------------------------------------------------------------

  const matches = (pattern, path) =>
    new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replace(/\*/g, ".*")}$`).test(path);
  const isQuietPage = () => offer.never_on.some((pattern) => matches(pattern, location.pathname));

  // A visitor belongs to the sample or not, for as long as the browser remembers, and is asked rarely.
  const mayAskVisitor = () => {
    const lot = Number(remembered("localStorage", "lot") ?? Math.random());
    if (!remember("localStorage", "lot", String(lot)) || lot >= offer.share) return false;
    const last = Number(remembered("localStorage", "asked") || 0);
    return Date.now() - last >= offer.again_after_days * DAY_MS;
  };

  const mayShow = async () => {
    if (offer.request_id) {
      return (await call("shows", { request_id: offer.request_id, tab })).granted;
    }
    if (!mayAskVisitor()) return false;
    return remember("localStorage", "asked", String(Date.now()));
  };

  // Tabs made by duplicating another share its name: the lock tells them apart while both are open.
  const withLock = (name, work) =>
    navigator.locks
      ? navigator.locks.request(name, { ifAvailable: true }, (lock) => (lock ? work() : undefined))
      : work();

  let isAsking = false;
  const look = async () => {
    if (!offer || (isAsking && !shown)) return;
    const isQuiet = isSuppressed || isQuietPage();
    if (shown && isQuiet) shown.remove();
    if (shown || isQuiet) return;
    isAsking = true;
    try {
      await withLock(`${STORE}:${offer.request_id || "visitor"}`, async () => {
        if (!(await mayShow())) {
          offer = null;
          return;
        }
        if (!isSuppressed && !isQuietPage()) await show(offer);
      });
    } catch {
      offer = null; // the product's page must not notice
    }
    isAsking = false;
  };

  const check = async () => {
    if (shown || (!identity && !("anonymous" in script.dataset))) return;
    try {
      offer = (await call(`eligibility?tab=${tab}`)).survey;
    } catch {
      offer = null;
    }
    await look();
  };

  // ---- what is shown ---------------------------------------------------------------------------------------------

  const STYLE = `
    :host { all: initial; }
    * { box-sizing: border-box; }
    section { position: fixed; inset-block-end: 1rem; inset-inline-end: 1rem; z-index: 2147483000;
      width: min(27rem, calc(100vw - 2rem)); max-height: calc(100vh - 2rem); overflow: auto; padding: 1.25rem;
      border-radius: .875rem; border-block-start: .25rem solid var(--brand); background: #fff; color: #1c2430;
      box-shadow: 0 8px 40px rgb(28 36 48 / 28%); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
    @media (prefers-reduced-motion: no-preference) {
      section { animation: rise .25s ease-out; } @keyframes rise { from { transform: translateY(1rem); opacity: 0; } } }
    fieldset { min-width: 0; margin: 0; padding: 0; border: 0; }
    legend, h2 { margin: 0; padding: 0; padding-inline-end: 2rem; font-size: 1.0625rem; font-weight: 600; line-height: 1.35; }
    p { margin: .5rem 0 0; }
    .quiet { color: #4a5565; font-size: .875rem; font-weight: 400; }
    .scale { display: grid; gap: .25rem; margin-block-start: .875rem; grid-template-columns: repeat(var(--columns), 1fr); }
    .scale label { position: relative; display: grid; place-items: center; min-height: 2.5rem; border: 1px solid #767f8e;
      border-radius: .5rem; font-variant-numeric: tabular-nums; cursor: pointer; }
    .scale label:hover { background: #f1f4f9; }
    .scale input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; cursor: pointer; }
    .scale label:has(:checked) { border-color: var(--brand); background: var(--brand); color: #fff; font-weight: 700; }
    .scale label:has(:focus-visible), button:focus-visible, textarea:focus-visible, a:focus-visible {
      outline: 3px solid var(--brand); outline-offset: 2px; }
    .ends { display: flex; justify-content: space-between; gap: 1rem; margin-block-start: .375rem; }
    .ends :last-child { text-align: end; }
    .question { display: block; margin: 1rem 0 .375rem; font-weight: 600; }
    textarea { display: block; width: 100%; padding: .5rem .625rem; border: 1px solid #767f8e; border-radius: .5rem;
      background: #fff; color: inherit; font: inherit; resize: vertical; }
    button { font: inherit; cursor: pointer; }
    .send { min-height: 2.75rem; margin-block-start: 1rem; padding: .5rem 1.25rem; border: 0; border-radius: .5rem;
      background: var(--brand); color: #fff; font-weight: 600; }
    .send:disabled { opacity: .6; cursor: default; }
    .close { position: absolute; inset-block-start: .75rem; inset-inline-end: .75rem; width: 2.25rem; height: 2.25rem;
      padding: 0; border: 0; border-radius: .5rem; background: none; color: #4a5565; font-size: 1.375rem; line-height: 1; }
    .close:hover { background: #f1f4f9; color: #1c2430; }
    .trouble { color: #b42318; font-weight: 600; }
    a { color: #4a5565; }
    footer { margin-block-start: .875rem; font-size: .875rem; }
    [hidden] { display: none; }
    @media (max-width: 26rem) { .many { --columns: 6; } }
    @media (forced-colors: active) { .scale label:has(:checked) { outline: 3px solid; } }
  `;

  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children.filter((child) => child !== null));
    return element;
  };

  const openQuestion = (survey, text) => {
    const words = make("span", { textContent: text, lang: survey.texts_language });
    const area = make("textarea", { rows: 3, maxLength: survey.limit });
    const optional = make("span", { className: "quiet", textContent: ` ${survey.words.optional}` });
    return { words, area, field: make("label", {}, make("span", { className: "question" }, words, optional), area) };
  };

  const scaleOf = (survey) => {
    const scores = Object.keys(survey.groups).map(Number);
    const labels = scores.map((score) =>
      make("label", {}, make("input", { type: "radio", name: "score", value: score, required: true }), `${score}`),
    );
    const ends = survey.ends.map((end, place) => make("span", { textContent: `${scores.at(-place)} = ${end}` }));
    const fieldset = make(
      "fieldset",
      {},
      make("legend", { id: "question", textContent: survey.question, lang: survey.texts_language }),
      make("div", { className: scores.length > 7 ? "scale many" : "scale" }, ...labels),
      make("div", { className: "quiet ends", id: "ends" }, ...ends),
    );
    fieldset.setAttribute("aria-describedby", "ends");
    return fieldset;
  };

  const sheet = (survey) => {
    const colour = /^#[0-9a-f]{6}$/.test(survey.colour) ? survey.colour : "#1d4ed8";
    const rules = new CSSStyleSheet();
    const columns = Object.keys(survey.groups).length;
    rules.replaceSync(`section { --brand: ${colour}; --columns: ${columns}; } ${STYLE}`);
    return rules;
  };

  // Puts the survey on the page; the promise is kept when it is gone.
  const show = (survey) =>
    new Promise((gone) => {
      const { words } = survey;
      const answerId = survey.request_id ? null : random().replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
      const scale = scaleOf(survey);
      const comment = openQuestion(survey, "");
      const further = survey.further && openQuestion(survey, survey.further);
      const send = make("button", { type: "submit", className: "send", textContent: words.send });
      const rest = make("div", { hidden: true }, comment.field, further && further.field, send);
      const trouble = make("p", { className: "trouble" });
      trouble.setAttribute("role", "alert");
      const form = make("form", { noValidate: true }, scale, rest, trouble);
      const close = make("button", { type: "button", className: "close", textContent: "×" });
      close.setAttribute("aria-label", words.close);
      const privacy = survey.privacy_url && make("a", { href: survey.privacy_url, textContent: words.privacy,
        target: "_blank", rel: "noopener noreferrer" });
      const why = survey.why && make("p", { className: "quiet", textContent: survey.why, lang: survey.texts_language });
      const section = make("section", { lang: survey.language, dir: survey.direction }, form, close, why,
        privacy && make("footer", {}, privacy));
      section.setAttribute("role", "dialog");
      section.setAttribute("aria-labelledby", "question");
      const host = make("div", {});
      const root = host.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [sheet(survey)];
      root.append(section);

      let score = null;
      let isAnswered = false;
      let settling = 0;

      const remove = () => {
        clearTimeout(settling);
        host.remove();
        shown = null;
        gone();
      };
      const end = () => {
        offer = null;
        remove();
      };
      const say = (finished) => {
        const answer = { score, comment: comment.area.value, finished, further: further ? further.area.value : "" };
        return survey.request_id
          ? call("answers", { request_id: survey.request_id, ...answer })
          : call("visitors-answers", { answer_id: answerId, ...answer });
      };
      const dismiss = () => {
        if (score === null && survey.request_id) {
          call("declines", { request_id: survey.request_id, tab }).catch(() => {});
        }
        end();
      };

      const choose = (chosen) => {
        score = chosen;
        comment.words.textContent = survey.follow_ups[survey.groups[score]];
        rest.hidden = false;
      };
      scale.addEventListener("change", (event) => {
        choose(Number(event.target.value));
        clearTimeout(settling);
        settling = setTimeout(() => say(false).catch(() => {}), SCORE_SETTLES_MS);
      });
      form.addEventListener("submit", async (event) => {
        event.preventDefault();
        if (score === null || send.disabled) return;
        clearTimeout(settling);
        send.disabled = true;
        trouble.textContent = "";
        try {
          await say(true);
          isAnswered = true;
          const title = make("h2", { id: "question", textContent: words.thank_you, tabIndex: -1 });
          section.replaceChildren(title, make("p", { textContent: survey.thanks[survey.groups[score]] }), close);
          title.focus();
        } catch {
          trouble.textContent = words.not_sent;
          send.disabled = false;
        }
      });
      close.addEventListener("click", () => (isAnswered ? end() : dismiss()));
      section.addEventListener("keydown", (event) => {
        if (event.key === "Escape") close.click();
      });

      // Chosen on the page before this one.
      if (survey.score !== null) {
        scale.querySelector(`[value="${survey.score}"]`).checked = true;
        choose(survey.score);
      }
      document.body.append(host);
      shown = { remove };
    });

  // ---- what the product may do -----------------------------------------------------------------------------------

  window.feedbackRouter = Object.freeze({
    /** Who is signed in now; an empty identity: nobody. */
    identify(signed) {
      identity = signed || "";
      offer = null;
      if (shown) shown.remove();
      return check();
    },
    /** Nothing is shown until `suppress(false)`; what is shown goes away and comes back. */
    suppress(yes = true) {
      isSuppressed = yes;
      return look();
    },
    /** Asks the server anew, for products that load no new pages. */
    check,
  });

  const start = () => {
    setInterval(look, LOOK_EVERY_MS);
    check();
  };
  if (document.readyState === "complete") start();
  else addEventListener("load", start, { once: true });
})();
