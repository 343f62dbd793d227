/* Every slide as it is at its end, with all its steps taken: what does not fit, is not drawn, or
could not be read. */
() => Reveal.getSlides().flatMap((slide, number) => {
    const {h, v} = Reveal.getIndices(slide), faults = [];
    const fault = (what, part) =>
        faults.push(`${number + 1}: ${what} ${part.textContent.slice(0, 60)}`);
    Reveal.slide(h, v, slide.querySelectorAll(".fragment").length);
    const page = slide.querySelector(".page"), body = page.firstChild;
    if (page.scrollHeight > 720 || page.scrollWidth > 1280) fault("page too large", page);
    if (body.offsetHeight > 624 || body.scrollWidth > 1168) fault("body too large", page);
    if (!body.textContent.trim() && !body.querySelector("img, audio")) fault("empty", page);
    if (body.querySelector("details:not([open])")) fault("not unfolded", page);
    for (const part of body.querySelectorAll("p, li, td, th, pre, code, summary")) {
        if (part.closest(".output") && !part.matches("pre")) continue;
        if (parseFloat(getComputedStyle(part).fontSize) < 16) fault("small type", part);
        if (part.scrollWidth > part.clientWidth + 1 && part.clientWidth) fault("cut off", part);
    }
    for (const math of body.querySelectorAll("math")) {
        const box = math.getBoundingClientRect();
        if (!(box.width > 2 && box.height > 2)) fault("formula not drawn", math);
        if (math.textContent.includes("\\")) fault("formula not understood", math);
    }
    for (const img of body.querySelectorAll("img")) {
        if (img.width < Math.min(600, 0.6 * img.naturalWidth)) fault("small figure", page);
    }
    return faults;
})
