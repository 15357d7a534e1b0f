/** How numbers read in reasons: "1.9 %", "4 300", "3.4". Plain spaces, no locale, so that every record is the same everywhere. */

/** A fraction as a percentage with up to three significant digits; never "0 %" for something and never "100 %" for less. */
export function percentText(fraction: number): string {
  const percent = fraction * 100;
  const rounded = significant(percent, 3);
  if (percent < 100 && rounded >= 100) return '> 99.9 %';
  return `${rounded} %`;
}

/** Grouped by thousands, at most three decimals: 4319.2 → "4 319.2". */
export function numberText(value: number): string {
  const rounded = Math.round(value * 1000) / 1000;
  const [whole = '', decimals] = String(rounded).split('.');
  if (whole.includes('e')) return String(rounded);
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ' ');
  return decimals === undefined ? grouped : `${grouped}.${decimals}`;
}

/** e^ln with two digits, as a power of ten once nobody would read the figure: "4 300", "10^21". */
export function evidenceText(ln: number): string {
  if (ln > 9 * Math.LN10) return `10^${Math.floor(ln / Math.LN10)}`;
  return numberText(significant(Math.exp(ln), 2));
}

/** One decimal below ten, none above: "3.4", "12". */
export function ratioText(ratio: number): string {
  return ratio < 9.95 ? ratio.toFixed(1) : numberText(Math.round(ratio));
}

/** A difference of fractions in percentage points, with its sign: "+1.25", "−0.3". */
export function pointsText(difference: number): string {
  const points = significant(100 * Math.abs(difference), 3);
  return `${difference < 0 ? '−' : '+'}${numberText(points)}`;
}

export function millisecondsText(value: number): string {
  return `${numberText(significant(value, 4))} ms`;
}

export function significant(value: number, digits: number): number {
  return Number(value.toPrecision(digits));
}
