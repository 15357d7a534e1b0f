// The demo service's code, the same in every version: what differs is its environment, as a bad build would differ.
const workMs = Number(process.env.WORK_MS);
const failPercent = Number(process.env.FAIL_PERCENT);

/** Log-normal, like most latencies: median `workMs`. */
const sample = () => {
  const normal = Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  return workMs * Math.exp(0.4 * normal);
};

export const handler = async () => {
  const durationMs = sample();
  await new Promise((resolve) => setTimeout(resolve, durationMs));
  const failed = Math.random() * 100 < failPercent;
  return { statusCode: failed ? 500 : 200, durationMs };
};
