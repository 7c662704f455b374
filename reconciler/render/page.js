// Filter with highlights, unfolding, links into folded groups, printing, and pictures: zoom, and one group by itself.
const all = (query, root = document) => [...root.querySelectorAll(query)];
const groups = all("details.group");
const form = document.querySelector("form.filter");
const MOST_OPENED = 60;
const MOST_MARKED = 3000;

const textOf = (() => {
  const known = new Map();
  return (group) => {
    if (!known.has(group)) {
      const head = group.querySelector("summary").textContent.toLowerCase();
      known.set(group, { head, whole: group.textContent.toLowerCase() });
    }
    return known.get(group);
  };
})();

const linksTo = new Map();
const findLinks = () => {
  linksTo.clear();
  for (const link of all(".picture svg a")) linksTo.set(link.getAttribute("href").slice(1), link);
};

const mark = (words) => {
  if (!("highlights" in CSS)) return;
  CSS.highlights.delete("found");
  if (!words.length) return;
  const pattern = new RegExp(words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|"), "gi");
  const ranges = [];
  for (const group of groups) {
    if (group.hidden) continue;
    const walker = document.createTreeWalker(group.open ? group : group.querySelector("summary"), NodeFilter.SHOW_TEXT);
    while (walker.nextNode() && ranges.length < MOST_MARKED) {
      for (const found of walker.currentNode.data.matchAll(pattern)) {
        const range = new Range();
        range.setStart(walker.currentNode, found.index);
        range.setEnd(walker.currentNode, found.index + found[0].length);
        ranges.push(range);
      }
    }
  }
  CSS.highlights.set("found", new Highlight(...ranges));
};

let openBefore = null; // which groups were open before somebody searched

const filter = () => {
  const data = new FormData(form);
  const words = data.get("text").toLowerCase().split(/\s+/).filter(Boolean);
  const kinds = all("[name=kind]", form).length ? data.getAll("kind") : null;
  if (words.length && !openBefore) openBefore = new Set(groups.filter((group) => group.open));
  let shown = 0;
  let opened = 0;
  for (const group of groups) {
    const { head, whole } = words.length ? textOf(group) : { head: "", whole: "" };
    const matches = (!kinds || kinds.includes(group.dataset.kind)) && words.every((word) => whole.includes(word));
    group.hidden = !matches;
    shown += matches;
    linksTo.get(group.id)?.classList.toggle("dim", !matches);
    if (words.length) {
      group.open = matches && !words.every((word) => head.includes(word)) && opened++ < MOST_OPENED;
    } else if (openBefore) {
      group.open = openBefore.has(group);
    }
  }
  if (!words.length) openBefore = null;
  for (const part of all("section.target")) part.hidden = !all("details.group", part).some((group) => !group.hidden);
  form.querySelector("output").textContent = `${shown} of ${groups.length} groups`;
  mark(words);
};

if (form) {
  let waiting = 0;
  form.hidden = false;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, groups.length > 200 ? 150 : 0);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(waiting);
    filter();
    const only = groups.filter((group) => !group.hidden);
    const link = only.length === 1 && linksTo.get(only[0].id);
    if (link) isolate(link.getAttribute("href"));
  });
  const setAll = (open) => () => {
    for (const group of groups) if (!group.hidden) group.open = open;
    if (openBefore) mark(new FormData(form).get("text").toLowerCase().split(/\s+/).filter(Boolean));
  };
  form.querySelector("[name=expand]")?.addEventListener("click", setAll(true));
  form.querySelector("[name=collapse]")?.addEventListener("click", setAll(false));
}

// A link to a group opens it, also where the filter had hidden it.
const reveal = () => {
  let name = "";
  try {
    name = decodeURIComponent(location.hash.slice(1));
  } catch {
    return;
  }
  const target = name && document.getElementById(name);
  if (!target) return;
  const group = target.closest("details");
  if (group) {
    group.hidden = false;
    group.open = true;
    group.closest("section.target")?.removeAttribute("hidden");
  }
  target.scrollIntoView();
  group?.querySelector("summary").focus({ preventScroll: true });
};
addEventListener("hashchange", reveal);

// On paper everything is open.
let openOnScreen = null;
addEventListener("beforeprint", () => {
  openOnScreen = all("details").filter((each) => each.open);
  for (const each of all("details")) each.open = true;
});
addEventListener("afterprint", () => {
  if (openOnScreen) for (const each of all("details")) each.open = openOnScreen.includes(each);
  openOnScreen = null;
});

// Pictures: a wheel with Ctrl, keys and buttons zoom, dragging moves; a click on a card shows it with its neighbours.
let isolate = () => {};
for (const figure of all("figure.picture")) {
  const room = figure.querySelector(".room");
  const whole = room.innerHTML;
  const title = figure.querySelector("figcaption output");
  const back = figure.querySelector("[name=all]");
  let scale = 1;
  const zoom = (to) => {
    const svg = room.querySelector("svg");
    const width = svg.viewBox.baseVal.width;
    const middle = { x: (room.scrollLeft + room.clientWidth / 2) / room.scrollWidth, y: (room.scrollTop + room.clientHeight / 2) / room.scrollHeight };
    scale = Math.min(4, Math.max(0.1, to));
    svg.style.width = `${width * scale}px`;
    room.scrollLeft = middle.x * room.scrollWidth - room.clientWidth / 2;
    room.scrollTop = middle.y * room.scrollHeight - room.clientHeight / 2;
  };
  const fit = () => {
    const box = room.querySelector("svg").viewBox.baseVal;
    const space = Math.max(room.clientHeight, innerHeight * 0.6);
    zoom(Math.min(1, room.clientWidth / box.width, space / box.height));
    room.scrollTo(0, 0);
  };
  const start = () => {
    zoom(Math.max(0.6, Math.min(1, room.clientWidth / room.querySelector("svg").viewBox.baseVal.width)));
    room.scrollTo(0, 0);
  };
  const show = (content, name) => {
    room.innerHTML = "";
    room.append(content);
    title.textContent = name;
    back.hidden = !name;
    findLinks();
    start();
  };
  const showAll = () => {
    const holder = document.createElement("template");
    holder.innerHTML = whole;
    show(holder.content, "");
    if (form) filter();
  };
  const showOne = (href) => {
    const kept = document.querySelector(`template[data-for="${CSS.escape(href.slice(1))}"]`);
    if (!kept) return false;
    show(kept.content.cloneNode(true), `${kept.dataset.name} and its neighbours`);
    figure.scrollIntoView({ block: "nearest" });
    back.focus({ preventScroll: true });
    return true;
  };
  if (document.querySelector("template[data-for]")) isolate = showOne;
  figure.querySelector(".tools").hidden = false;
  figure.querySelector("[name=in]").addEventListener("click", () => zoom(scale * 1.25));
  figure.querySelector("[name=out]").addEventListener("click", () => zoom(scale / 1.25));
  figure.querySelector("[name=fit]").addEventListener("click", () => fit());
  figure.querySelector("[name=full]").addEventListener("click", () => zoom(1));
  back.addEventListener("click", () => {
    showAll();
    room.focus({ preventScroll: true });
  });
  figure.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const actions = { "+": () => zoom(scale * 1.25), "-": () => zoom(scale / 1.25), 0: () => fit(), Escape: showAll };
    if (!(event.key in actions) || (event.key === "Escape" && back.hidden)) return;
    event.preventDefault();
    actions[event.key]();
  });
  room.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoom(scale * (event.deltaY < 0 ? 1.15 : 1 / 1.15));
  }, { passive: false });
  let drag = null;
  let moved = false;
  room.addEventListener("pointerdown", (event) => {
    moved = false;
    if (event.pointerType === "mouse" && event.button === 0) drag = { x: event.clientX + room.scrollLeft, y: event.clientY + room.scrollTop };
  });
  addEventListener("pointermove", (event) => {
    if (!drag) return;
    const left = drag.x - event.clientX;
    const top = drag.y - event.clientY;
    moved ||= Math.abs(left - room.scrollLeft) + Math.abs(top - room.scrollTop) > 5;
    if (moved) room.scrollTo(left, top);
  });
  addEventListener("pointerup", () => { drag = null; });
  room.addEventListener("dragstart", (event) => event.preventDefault());
  room.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link) return;
    if (moved || showOne(link.getAttribute("href"))) event.preventDefault();
  });
  const drawn = new Set(all("template[data-for]").map((each) => each.dataset.for));
  for (const button of all("button[data-show]")) {
    button.hidden = !drawn.has(button.dataset.show);
    button.addEventListener("click", () => showOne(`#${button.dataset.show}`));
  }
  start();
}
findLinks();
if (form) filter();
reveal();
