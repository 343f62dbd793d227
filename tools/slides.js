/* Breaks each slide of the lesson into pages that fit 1280 x 720, then starts reveal.js.

A text, or code with its outputs, goes onto the page begun, or onto a new one; "What we observe" goes
with what it speaks of. What is too tall is taken apart: outputs beside their code, outputs on the
next page, texts at their paragraphs, and in the end smaller type, never below 16 pixels. */
"use strict";

const WIDTH = 1168, HEIGHT = 624; // of a page without its borders
const FIGURE = { least: 0.9, most: 1.7 }; // times its own size, where letters have 16 pixels
const TYPE = { large: 30, usual: 24, tight: 22, least: 16 }; // pixels

const lesson = document.getElementById("lesson");

function make(tag, className = "") {
  return Object.assign(document.createElement(tag), { className });
}

/* An empty page, where it can be measured. */
function newPage() {
  const page = make("div", "page");
  page.append(make("div", "body"));
  lesson.append(page);
  return page;
}

/* Set the type; make lines of code and formulas that are too wide smaller, then wrap them. */
function setType(page, pixels) {
  page.style.fontSize = `${pixels}px`;
  for (const pre of page.querySelectorAll("pre")) {
    pre.classList.remove("wrapped");
    pre.style.setProperty("--size", 1);
    pre.style.setProperty("--size", Math.min(1, pre.clientWidth / pre.scrollWidth));
    pre.classList.toggle("wrapped", pre.scrollWidth > pre.clientWidth);
  }
  for (const math of page.querySelectorAll('math[display="block"]')) {
    math.style.fontSize = "";
    const room = math.parentElement.clientWidth;
    if (math.scrollWidth > room) math.style.fontSize = `${room / math.scrollWidth}em`;
  }
}

/* The width of a figure with its letters as printed; a tiny picture counts for more. */
function ownWidth(figure) {
  return Math.max(300, figure.naturalWidth);
}

function scaleFigures(page, scale) {
  for (const figure of page.querySelectorAll(".output img")) {
    const room = figure.parentElement.clientWidth;
    figure.style.width = `${Math.min(room, ownWidth(figure) * scale)}px`;
  }
}

function overflows(page) {
  const body = page.firstChild;
  return body.offsetHeight > HEIGHT || body.scrollWidth > WIDTH;
}

/* Outputs in a place that is too narrow for them, such as beside their code. */
function areSquashed(page) {
  const least = (figure) => Math.floor(Math.min(WIDTH, FIGURE.least * ownWidth(figure)));
  const figures = [...page.querySelectorAll(".output img")];
  const texts = [...page.querySelectorAll(".pair pre")];
  return figures.some((figure) => figure.width < least(figure))
    || texts.some((pre) => pre.style.getPropertyValue("--size") < 1);
}

/* Whether all fits in this type, with the figures as small as they may become. */
function fits(page, pixels) {
  setType(page, pixels);
  scaleFigures(page, FIGURE.least);
  return !overflows(page) && !areSquashed(page);
}

/* Add what fits as a whole; where it does not, leave the page as it was. */
function add(page, parts, pixels) {
  page.firstChild.append(...parts);
  if (fits(page, pixels)) return true;
  parts.forEach((part) => part.remove());
  return false;
}

/* Code on the left, what it shows on the right. */
function beside([code, ...outputs]) {
  if (!outputs.length || !code.matches(".code")) return [code, ...outputs];
  const pair = make("div", "pair"), results = make("div", "results");
  pair.append(code, results);
  results.append(...outputs);
  return [pair];
}

/* The parts of a text or of an output that may stand on pages of their own. */
function pieces(block) {
  const parts = [...block.children].flatMap((child) => {
    if (child.matches("pre")) return child.textContent.match(/(.*\n?){1,8}/g).filter(Boolean);
    if (!child.matches("ul, ol")) return [child];
    return [...child.children].map((item, index) => {
      if (child.matches("ol")) item.value = index + 1;
      return item;
    });
  });
  return parts.map((part) => {
    const piece = block.cloneNode(false);
    piece.classList.add("piece");
    const holder = part.parentElement?.matches("ul, ol") ? part.parentElement.tagName : "";
    const within = typeof part === "string" ? "PRE" : holder;
    if (within) piece.append(make(within));
    (piece.firstChild ?? piece).append(part);
    return piece;
  });
}

/* Pieces of one list, or of one output, that came to stand on one page are one again. */
function join(page) {
  for (const part of page.querySelectorAll(".piece > ul, .piece > ol, .piece > pre")) {
    const above = part.parentElement.previousElementSibling;
    const before = above?.matches(".piece") ? above.lastElementChild : null;
    if (before?.tagName !== part.tagName) continue;
    before.append(...part.childNodes);
    part.parentElement.remove();
  }
}

/* Code and its outputs belong together; a text stands alone. */
function groups(blocks) {
  const found = [];
  for (const block of blocks) {
    if (block.matches(".output") && found.length) found.at(-1).push(block);
    else found.push([block]);
  }
  return found;
}

/* The outputs at the end of a page, so that they can go along with what is said of them. */
function lastOutputs(page) {
  const parts = [...page.firstChild.children], last = [];
  while (parts.length > 1 && parts.at(-1).matches(".output, .pair")) last.unshift(parts.pop());
  return last;
}

function paginate(blocks) {
  const pages = [newPage()];
  const empty = () => !pages.at(-1).firstChild.children.length;
  // What belongs together may be a little smaller.
  const place = (parts) => {
    const together = empty() || parts.length > 1 || parts[0].querySelector(".what");
    const pixels = together ? TYPE.tight : TYPE.usual;
    return add(pages.at(-1), parts, pixels) || add(pages.at(-1), beside(parts), pixels);
  };
  const placeOnNew = (parts) => {
    if (empty()) return false;
    pages.push(newPage());
    if (place(parts)) return true;
    pages.pop().remove();
    return false;
  };
  const placeWithOutputs = (parts) => {
    const page = pages.at(-1), outputs = lastOutputs(page);
    if (!outputs.length || !parts[0].querySelector(".what")) return false;
    outputs.forEach((output) => output.remove());
    if (placeOnNew([...outputs, ...parts])) return true;
    page.firstChild.append(...outputs);
    return false;
  };
  // Code with as many outputs as fit, the others on the next page.
  const placeOnTwo = (parts) => {
    const body = pages.at(-1).firstChild, before = body.children.length;
    for (let cut = parts.length - 1; cut > 0; cut -= 1) {
      if (place(parts.slice(0, cut)) && placeOnNew(parts.slice(cut))) return true;
      while (body.children.length > before) body.lastChild.remove();
    }
    return false;
  };
  const placeAll = (parts) => {
    if ([place, placeWithOutputs, placeOnTwo, placeOnNew].some((way) => way(parts))) return;
    const smaller = parts.length > 1 ? parts : pieces(parts[0]);
    if (smaller.length > 1) return smaller.forEach((part) => placeAll([part]));
    if (!empty()) pages.push(newPage());
    pages.at(-1).firstChild.append(...smaller); // too tall for any page: finish makes it smaller
    pages.push(newPage());
  };
  groups(blocks).forEach(placeAll);
  if (empty()) pages.pop().remove();
  pages.forEach(join);
  return pages;
}

/* The largest type and figures that fit. */
function finish(page) {
  let size = TYPE.large;
  while (!fits(page, size) && size > TYPE.least) size -= 1;
  let scale = FIGURE.most;
  scaleFigures(page, scale);
  while (overflows(page) && scale > 0.3) scaleFigures(page, (scale -= 0.02));
}

/* What appears at a key press; the first thing on a page is there at once. */
function setSteps(page) {
  const body = page.firstChild;
  body.querySelectorAll(".step").forEach((step) => {
    if (step !== body.firstElementChild && !step.matches(".pair:first-child > .code")) {
      step.classList.add("fragment");
    }
  });
  body.querySelectorAll("details").forEach((answer) => {
    answer.classList.add("fragment", "unfold");
    answer.open = location.search.includes("print-pdf");
  });
}

async function start() {
  await Promise.all([...lesson.querySelectorAll("img")].map((figure) => figure.decode()));
  await document.fonts.ready;
  const slides = document.querySelector(".slides");
  let stack;
  for (const article of [...lesson.querySelectorAll("article")]) {
    if (article.matches(".slide") || !stack) {
      stack = slides.appendChild(make("section"));
    }
    const blocks = [...article.children].filter((block) => !block.matches(".notes"));
    blocks.forEach((b) => b.querySelectorAll("details").forEach((answer) => (answer.open = true)));
    for (const page of paginate(blocks)) {
      finish(page);
      setSteps(page);
      const section = stack.appendChild(make("section"));
      section.dataset.section = article.dataset.section;
      section.append(page);
    }
    (stack.notes ??= []).push(...article.querySelectorAll(".notes"));
  }
  // Notes stand at the end of a section and speak of all of it.
  for (const { notes, children } of slides.children) {
    for (const page of children) page.append(...notes.map((note) => note.cloneNode(true)));
  }
  lesson.remove();
  const unfold = (open) => (event) => {
    for (const part of event.fragments) if (part.matches("details")) part.open = open;
  };
  Reveal.on("fragmentshown", unfold(true));
  Reveal.on("fragmenthidden", unfold(false));
  const where = document.querySelector("footer span");
  const show = (event) => (where.textContent = event.currentSlide.dataset.section ?? "");
  Reveal.on("ready", show);
  Reveal.on("slidechanged", show);
  await Reveal.initialize({
    width: 1280, height: 720, margin: 0, center: false, hash: true, controls: false,
    slideNumber: "c/t", transition: "none", navigationMode: "linear", scrollActivationWidth: null, pdfSeparateFragments: false,
    plugins: [RevealNotes],
  });
}

start();
