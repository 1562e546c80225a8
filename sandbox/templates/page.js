// Keeps the page fresh without moving what someone is reading: only what changed is exchanged.
"use strict";

const EVERY_MILLISECONDS = 2000;
const toast = document.querySelector(".toast");

function say(text) {
  toast.textContent = text;
  toast.hidden = false;
  setTimeout(() => { toast.hidden = true; }, 4000);
}

function keepOpen(from, to) {
  for (const details of [from, ...from.querySelectorAll("details[data-keep][open]")]) {
    if (!details.open) continue;
    const key = CSS.escape(details.dataset.keep);
    const twin = to.dataset.keep === details.dataset.keep ? to : to.querySelector(`details[data-keep="${key}"]`);
    if (twin) twin.open = true;
  }
}

function syncKeyed(list, fresh) {
  const known = new Map([...list.children].map((child) => [child.dataset.key, child]));
  const first = known.size === 1 && known.has("none");
  let before = list.firstElementChild;
  for (const wanted of [...fresh.children]) {
    const old = known.get(wanted.dataset.key);
    known.delete(wanted.dataset.key);
    if (old && old.dataset.version === wanted.dataset.version) {
      if (old === before) before = before.nextElementSibling;
      else list.insertBefore(old, before);
      continue;
    }
    const node = document.adoptNode(wanted);
    if (!first) node.classList.add("fresh");
    if (old) {
      keepOpen(old, node);
      if (old === before) before = before.nextElementSibling;
      old.replaceWith(node);
      list.insertBefore(node, before);
    } else {
      list.insertBefore(node, before);
    }
  }
  for (const gone of known.values()) gone.remove();
}

function sync(fresh) {
  for (const region of document.querySelectorAll("[data-live]")) {
    const wanted = fresh.getElementById(region.id);
    if (!wanted) continue;
    if (region.dataset.live === "keyed") syncKeyed(region, wanted);
    else if (region.innerHTML !== wanted.innerHTML && !region.contains(document.activeElement)) {
      region.innerHTML = wanted.innerHTML;
    }
  }
}

let busy = false;
async function refresh() {
  if (busy || document.hidden) return;
  busy = true;
  try {
    const answer = await fetch(location.pathname + location.search, { cache: "no-store" });
    if (answer.ok) sync(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    // The sandbox is restarting: the next round will tell.
  } finally {
    busy = false;
  }
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const button = event.submitter;
  if (form.method !== "post") return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form, button));
  for (const name of [...body.keys()]) if (body.get(name) === "") body.delete(name);
  if (button?.dataset.url) window.open(button.dataset.url, "_blank", "noopener");
  if (button) button.disabled = true;
  try {
    const answer = await fetch(form.action, { method: "post", body });
    if (!answer.ok) say((await answer.json().catch(() => ({}))).detail?.toString() || `Refused (${answer.status}).`);
  } catch {
    say("The sandbox did not answer.");
  }
  if (button) { button.disabled = false; button.blur(); }
  await refresh();
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]") && event.target.value) event.target.form.requestSubmit();
});

setInterval(refresh, EVERY_MILLISECONDS);
document.addEventListener("visibilitychange", refresh);
