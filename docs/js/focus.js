// The theme takes code out of the order of the tab key where it is not too wide, or where it sees no mouse. Keep it in.
"use strict";
for (const code of document.querySelectorAll("pre > code")) {
  const keep = () => {
    if (code.tabIndex !== 0) code.tabIndex = 0;
  };
  new MutationObserver(keep).observe(code, { attributes: true, attributeFilter: ["tabindex"] });
  keep();
}
