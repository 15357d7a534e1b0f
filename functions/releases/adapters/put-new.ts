/** An item of a transaction that must not be there yet. */
export const putNew = (table: string, item: Readonly<Record<string, unknown>>) => ({
  Put: { TableName: table, Item: item, ConditionExpression: 'attribute_not_exists(pk)' },
});
