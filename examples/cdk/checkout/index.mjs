/** Stands for a service's code. */
export const handler = async () => ({ statusCode: 200, body: 'paid' });
