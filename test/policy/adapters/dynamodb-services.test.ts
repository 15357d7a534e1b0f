import { DynamoDBDocumentClient, GetCommand, PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { TransientError } from '#platform/errors.ts';
import { dynamoDbServices } from '#policy/adapters/dynamodb-services.ts';
import { aRegisteredService } from '../../builders/service.ts';

const mock = mockClient(DynamoDBDocumentClient);
const services = dynamoDbServices(mock as unknown as DynamoDBDocumentClient, 'services');
const failing = (name: string) => Object.assign(new Error(name), { name });

beforeEach(() => mock.reset());

describe('the registry on DynamoDB', () => {
  it('reads a service consistently, and refuses to hand out what is none', async () => {
    mock
      .on(GetCommand)
      .resolvesOnce({ Item: aRegisteredService() })
      .resolvesOnce({})
      .resolves({ Item: { service: 'x' } });
    expect(await services.get('checkout')).toEqual(aRegisteredService());
    expect(mock.commandCalls(GetCommand)[0]?.args[0].input).toMatchObject({
      Key: { service: 'checkout' },
      ConsistentRead: true,
    });
    expect(await services.get('cart')).toBeUndefined();
    await expect(services.get('x')).rejects.toThrow();
  });

  it('stores a revision only on the one before it, so that of two changes at once one is told no', async () => {
    mock.on(PutCommand).resolvesOnce({}).rejects(failing('ConditionalCheckFailedException'));
    expect(await services.put(aRegisteredService())).toBe(true);
    expect(await services.put(aRegisteredService({ revision: 7 }))).toBe(false);
    const [first, seventh] = mock.commandCalls(PutCommand).map(({ args }) => args[0].input);
    expect(first?.ConditionExpression).toMatch(/attribute_not_exists/);
    expect(seventh?.ConditionExpression).toMatch(/revision/);
    expect(seventh?.ExpressionAttributeValues).toEqual({ ':previous': 6 });
  });

  it('lists a page and says where to go on', async () => {
    mock
      .on(ScanCommand)
      .resolves({ Items: [aRegisteredService()], LastEvaluatedKey: { service: 'checkout' } });
    expect(await services.list({ limit: 1, after: 'cart' })).toEqual({
      services: [aRegisteredService()],
      next: 'checkout',
    });
    expect(mock.commandCalls(ScanCommand)[0]?.args[0].input).toMatchObject({
      Limit: 1,
      ExclusiveStartKey: { service: 'cart' },
    });
  });

  it('tells passing trouble as such, and anything else as it is', async () => {
    mock.onAnyCommand().rejects(failing('ProvisionedThroughputExceededException'));
    await expect(services.get('x')).rejects.toBeInstanceOf(TransientError);
    await expect(services.list({ limit: 1 })).rejects.toBeInstanceOf(TransientError);
    await expect(services.put(aRegisteredService())).rejects.toBeInstanceOf(TransientError);
    mock.onAnyCommand().rejects(failing('AccessDeniedException'));
    await expect(services.put(aRegisteredService())).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });
});
