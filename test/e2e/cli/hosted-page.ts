/** Plays the browser at the hosted sign-in page: fills in forms, follows where it is sent. */

const inputsOf = (html: string): Record<string, string> =>
  Object.fromEntries(
    [...html.matchAll(/<input[^>]*>/g)].flatMap(([input]) => {
      const name = /name="([^"]*)"/.exec(input)?.[1];
      const value = /value="([^"]*)"/.exec(input)?.[1] ?? '';
      return name === undefined ? [] : [[name, value.replaceAll('&amp;', '&')]];
    }),
  );

const submit = async (pageUrl: string, html: string, filled: Readonly<Record<string, string>>) => {
  const action = /<form[^>]*action="([^"]*)"/.exec(html)?.[1];
  if (action === undefined) throw new Error(`the page has no form: ${html}`);
  return fetch(new URL(action, pageUrl), {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ ...inputsOf(html), ...filled }),
  });
};

/** @returns where the page sends the browser once the person has signed in; with a new password first, if it asks for one. */
export const fillIn = async (
  pageUrl: string,
  username: string,
  password: string,
  newPassword = password,
): Promise<string> => {
  const page = await fetch(pageUrl);
  if (!page.ok) throw new Error(`the sign-in page answered ${page.status}: ${await page.text()}`);
  let response = await submit(pageUrl, await page.text(), { username, password });
  if (response.status === 200) {
    const html = await response.text();
    if (!html.includes('name="new_password"')) throw new Error(`not signed in: ${html}`);
    response = await submit(pageUrl, html, { new_password: newPassword, confirm_password: newPassword });
  }
  const location = response.headers.get('location');
  if (location === null) throw new Error(`not sent back: ${response.status} ${await response.text()}`);
  return location;
};
