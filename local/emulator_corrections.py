"""Where MiniStack 1.5.33 differs from AWS in what we rely on. Each correction refuses to start if the code it corrects
has changed, so that a new version is looked at before it is used."""

import json
from urllib.parse import parse_qs

from ministack import app
from ministack.core import iam_actions, lambda_runtime
from ministack.services import cognito, lambda_svc

ALIAS_ACTIONS = {"GET": "GetAlias", "PUT": "UpdateAlias", "DELETE": "DeleteAlias"}

# Between an error's name and its message, on the way from the worker to the answer.
SEPARATOR = "\u241f"
WORKER_ERROR = 'error: String(err.message || err), trace: err.stack || ""'
NAMED_WORKER_ERROR = (
    f'error: (err.name || "Error") + "{SEPARATOR}" + String(err.message || err), trace: err.stack || ""'
)


def name_alias_actions():
    """Every call on one alias is authorized as ListAliases. With AWS's own action names, a function that may read an
    alias and not move it is denied here as it is there."""
    general = iam_actions._lambda_action

    def lambda_action(method, path):
        parts = [part for part in path.split("/") if part]
        if len(parts) > 1 and parts[-2] == "aliases" and method in ALIAS_ACTIONS:
            return ALIAS_ACTIONS[method]
        return general(method, path)

    iam_actions._lambda_action = lambda_action


def name_errors():
    """A function's error always has the type Runtime.HandlerError; on AWS it is the error's name, which our workflows
    route by."""
    if lambda_runtime._NODEJS_WORKER_SCRIPT.count(WORKER_ERROR) != 1:
        raise SystemExit("this version of MiniStack reports a function's errors in another way: see name_errors")
    lambda_runtime._NODEJS_WORKER_SCRIPT = lambda_runtime._NODEJS_WORKER_SCRIPT.replace(
        WORKER_ERROR, NAMED_WORKER_ERROR
    )
    unnamed = lambda_svc._execute_function_warm

    def execute(func, event, request_id):
        result = unnamed(func, event, request_id)
        body = result.get("body")
        if result.get("error") and isinstance(body, dict) and SEPARATOR in str(body.get("errorMessage")):
            name, _, message = body["errorMessage"].partition(SEPARATOR)
            body.update(errorType=name, errorMessage=message)
        return result

    lambda_svc._execute_function_warm = execute


def name_listed_parameters():
    """Listing parameters by path is authorized on every resource at once; on AWS on that path."""
    general = iam_actions.extract_resource_arn

    def extract_resource_arn(service, method, path, headers, body, query_params, region, account_id):
        listed = json.loads(body or "{}").get("Path", "") if service == "ssm" and method == "POST" else ""
        if listed:
            return f"arn:aws:ssm:{region}:{account_id}:parameter{listed}"
        return general(service, method, path, headers, body, query_params, region, account_id)

    iam_actions.extract_resource_arn = extract_resource_arn


def keep_roles_when_refreshed():
    """A token refreshed by the sign-in page's grant has lost its groups; by any other it keeps them, as on AWS. So no
    grant is remembered as the page's."""

    class Nothing(dict):
        def __setitem__(self, key, value):
            pass

    cognito._refresh_tokens = Nothing()


def revoke_tokens_by_page():
    """RFC 7009 at the sign-in page's own address is missing; the service call of the same effect is there."""
    general = app._handle_cognito_body_request

    async def handle(method, path, headers, body, query_params):
        if (method, path) != ("POST", "/oauth2/revoke"):
            return await general(method, path, headers, body, query_params)
        token = parse_qs(body.decode()).get("token", [""])[0]
        cognito._revoke_token({"Token": token})
        return 200, {}, b""

    app._handle_cognito_body_request = handle


def apply():
    name_alias_actions()
    name_errors()
    name_listed_parameters()
    keep_roles_when_refreshed()
    revoke_tokens_by_page()
