"""Where MiniStack 1.5.33 differs from AWS in what we rely on. Each correction refuses to start if the code it corrects
has changed, so that a new version is looked at before it is used."""

import inspect
import json
from urllib.parse import parse_qs

from ministack import app
from ministack.core import iam_actions, lambda_runtime
from ministack.services import alb, appconfig, cloudformation, cognito, lambda_svc
from ministack.services.cloudformation import handlers

ALIAS_ACTIONS = {"GET": "GetAlias", "PUT": "UpdateAlias", "DELETE": "DeleteAlias"}

# Between an error's name and its message, on the way from the worker to the answer.
SEPARATOR = "\u241f"
WORKER_ERROR = 'error: String(err.message || err), trace: err.stack || ""'
NAMED_WORKER_ERROR = (
    f'error: (err.name || "Error") + "{SEPARATOR}" + String(err.message || err), trace: err.stack || ""'
)


def name_alias_actions():
    """Every call on one alias is authorized as ListAliases, and reading its provisioned concurrency as GetFunction. With
    AWS's own action names, a function that may read an alias and not move it is denied here as it is there."""
    general = iam_actions._lambda_action

    def lambda_action(method, path):
        parts = [part for part in path.split("/") if part]
        if len(parts) > 1 and parts[-2] == "aliases" and method in ALIAS_ACTIONS:
            return ALIAS_ACTIONS[method]
        if parts[-1:] == ["provisioned-concurrency"] and method == "GET":
            return "GetProvisionedConcurrencyConfig"
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


def name_resources():
    """Some calls are authorized on more than they are about: listing parameters by path and calls on a listener rule on
    everything, calls on an ECS service on its cluster. With AWS's own resources, a function that may do so with one may
    do so with no other."""
    general = iam_actions.extract_resource_arn

    def extract_resource_arn(service, method, path, headers, body, query_params, region, account_id):
        asked = json.loads(body or "{}") if service in ("ssm", "ecs") and method == "POST" else {}
        if service == "ssm" and asked.get("Path"):
            return f"arn:aws:ssm:{region}:{account_id}:parameter{asked['Path']}"
        if service == "ecs":
            name = asked.get("service") or next(iter(asked.get("services") or []), None)
            if name and asked.get("cluster"):
                return f"arn:aws:ecs:{region}:{account_id}:service/{asked['cluster']}/{name}"
        rule = iam_actions._query_param(query_params, "RuleArn") if service == "elasticloadbalancing" else ""
        if rule:
            return rule
        return general(service, method, path, headers, body, query_params, region, account_id)

    iam_actions.extract_resource_arn = extract_resource_arn


def name_configurations():
    """Reading a configuration is authorized on every resource there is; on AWS it is one configuration in one
    environment, which a function's policy names."""
    general = iam_actions.extract_resource_arn

    def extract_resource_arn(service, method, path, headers, body, query_params, region, account_id):
        if service != "appconfigdata":
            return general(service, method, path, headers, body, query_params, region, account_id)
        token = query_params.get("configuration_token", "")
        session = appconfig._sessions.get(token[0] if isinstance(token, list) else token) if token else json.loads(body)
        application = appconfig._resolve_application_id((session or {}).get("ApplicationIdentifier", ""))
        if application is None:
            return "*"
        environment = appconfig._resolve_environment_id(application, session["EnvironmentIdentifier"])
        profile = appconfig._resolve_configuration_profile_id(application, session["ConfigurationProfileIdentifier"])
        return (
            f"arn:aws:appconfig:{region}:{account_id}:application/{application}"
            f"/environment/{environment}/configuration/{profile}"
        )

    iam_actions.extract_resource_arn = extract_resource_arn


def find_stacks_by_resource():
    """DescribeStackResources takes a stack's name alone; on AWS the id of a resource is enough, and finds its stack."""
    if handlers._ACTION_HANDLERS.get("DescribeStackResources") is not handlers._describe_stack_resources:
        raise SystemExit("this version of MiniStack routes CloudFormation in another way: see find_stacks_by_resource")
    by_name = handlers._describe_stack_resources

    def describe_stack_resources(params):
        physical_id = handlers._p(params, "PhysicalResourceId")
        if not physical_id or handlers._p(params, "StackName"):
            return by_name(params)
        for name, stack in list(cloudformation._stacks.items()):
            for logical_id, resource in stack.get("_resources", {}).items():
                if resource.get("PhysicalResourceId") == physical_id:
                    return by_name({**params, "StackName": [name], "LogicalResourceId": [logical_id]})
        return handlers._error("ValidationError", f"Stack for {physical_id} does not exist")

    handlers._ACTION_HANDLERS["DescribeStackResources"] = describe_stack_resources


def name_simulated_roles():
    """Asking what a role may do is authorized on every resource at once; on AWS on that role."""
    general = iam_actions.extract_resource_arn

    def extract_resource_arn(service, method, path, headers, body, query_params, region, account_id):
        source = iam_actions._query_param(query_params, "PolicySourceArn") if service == "iam" else ""
        return source or general(service, method, path, headers, body, query_params, region, account_id)

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


def keep_forward_weights():
    """A forward action with several target groups loses them, their weights and its stickiness. Kept as they were
    sent, they are told again as on AWS; no traffic is split by them."""
    parse, tell = alb._parse_actions, alb._action_xml

    def parse_actions(params, prefix="DefaultActions"):
        actions = parse(params, prefix)
        for number, action in enumerate(actions, start=1):
            at = f"{prefix}.member.{number}.ForwardConfig"
            groups, index = [], 1
            while arn := alb._p(params, f"{at}.TargetGroups.member.{index}.TargetGroupArn"):
                groups.append((arn, alb._p(params, f"{at}.TargetGroups.member.{index}.Weight", "1")))
                index += 1
            if groups:
                sticky = f"{at}.TargetGroupStickinessConfig"
                action["_Forward"] = (groups, alb._p(params, f"{sticky}.Enabled", "false"))
        return actions

    def action_xml(action):
        told = tell(action)
        if "_Forward" not in action:
            return told
        groups, sticky = action["_Forward"]
        tuples = "".join(
            f"<member><TargetGroupArn>{arn}</TargetGroupArn><Weight>{weight}</Weight></member>"
            for arn, weight in groups
        )
        config = (
            f"<ForwardConfig><TargetGroups>{tuples}</TargetGroups><TargetGroupStickinessConfig>"
            f"<Enabled>{sticky}</Enabled></TargetGroupStickinessConfig></ForwardConfig>"
        )
        return told.removesuffix("</member>") + config + "</member>"

    alb._parse_actions, alb._action_xml = parse_actions, action_xml


def keep_versions_in_line():
    """A hosted version is made whatever its maker took for the newest. AWS refuses a LatestVersionNumber that is not
    (AppConfig API Reference, CreateHostedConfigurationVersion)."""
    lenient = appconfig.handle_request
    if "latest-version-number" in inspect.getsource(appconfig):
        raise SystemExit("this version of MiniStack may check LatestVersionNumber itself: see keep_versions_in_line")

    async def handle_request(method, path, headers, body, query_params):
        latest = headers.get("latest-version-number")
        parts = [part for part in path.split("/") if part]
        if method == "POST" and latest is not None and parts[-1:] == ["hostedconfigurationversions"]:
            newest = appconfig._latest_hosted_version_number(parts[1], parts[3])
            if int(latest) != newest:
                return appconfig._error(409, "ConflictException", f"The latest version is {newest}, not {latest}.")
        return await lenient(method, path, headers, body, query_params)

    appconfig.handle_request = handle_request


def apply():
    name_alias_actions()
    name_errors()
    name_resources()
    find_stacks_by_resource()
    name_simulated_roles()
    keep_roles_when_refreshed()
    revoke_tokens_by_page()
    keep_forward_weights()
    name_configurations()
    keep_versions_in_line()
