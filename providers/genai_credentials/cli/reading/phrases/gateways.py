"""Words of gateways and proxies before Google, and of other providers that received a request by mistake."""

from __future__ import annotations

from genai_credentials.cli.reading.phrases.phrase import CODE, GENERAL, phrases

# one-api, new-api and similar gateways.
_ONE_API = phrases(
    ("无效的令牌", "", "gateway"),
    ("令牌", r"令牌(?:已过期|不可用|状态不可用|已被禁用|已禁用|额度已用尽|不存在|无效|验证失败)|无效令牌", "gateway"),
    ("invalid token", r"invalid token \(request id", "gateway"),
    ("invalid token", r"invalid token\b(?=[^\n]{0,120}\w{2,20}_(?:api_)?error)", "gateway"),
    ("token",
     r"(?:this |the )?token (?:has expired|expired|is expired|status is (?:un|not )available"
     r"|quota (?:is )?exhausted)(?=[^\n]{0,160}\w{2,20}_api_error)", "gateway"),
    ("未提供令牌", "", "no_key_sent"),
    ("token not provided", "", "no_key_sent"),
    ("用户已被封禁", "", "gateway"),
    ("user has been banned", "", "gateway"),
    ("额度", r"(?:用户|账户|剩余)[^\n]{0,12}额度(?:不足|已用尽)|预扣费额度失败|额度不足", "gateway_quota"),
    (("余额", "欠费"), r"余额(?:不足|已用尽)|欠费", "gateway_quota"),
    ("insufficient_user_quota", "", "gateway_quota"),
    ("quota is not enough", r"(?:user|token) quota is not enough", "gateway_quota"),
    ("pre_consume_token_quota_failed", "", "gateway_quota"),
    ("渠道", r"(?:无可用|没有可用)[^\n]{0,4}渠道|可用渠道不存在|渠道[^\n]{0,8}不可用", "gateway_route"),
    ("no available channel", "", "gateway_route"),
    ("distributor", r"\(distributor\)", "gateway_route"),
    ("令牌", r"令牌[^\n]{0,6}(?:无权|無權|只能|不支持|没有权限)", "gateway_forbidden"),
    ("无权", r"无权(?:访问|使用|进行)", "gateway_forbidden"),
    ("分组", r"分组[^\n]{0,8}(?:禁用|弃用|不存在|无权)|无权[^\n]{0,8}分组", "gateway_forbidden"),
    ("not authorized to", r"(?:key|token)\b[^\n]{0,40} not authorized to (?:access|use)", "gateway_forbidden"),
    ("allowed only from", r"allowed only from (?:approved )?(?:ip|address)", "gateway_forbidden"),
    ("access to",
     r"(?:token|key) (?:has no|does not have|doesn't have) access to (?:the |this )?model", "gateway_forbidden"),
    (("not allowed", "not in the"),
     r"(?:ip|address)\b[^\n]{0,60}not (?:allowed|in the (?:allow|white)list)", "gateway_forbidden"),
    ("不在令牌允许", "", "gateway_forbidden"),
    ("负载已饱和", r"上游负载已饱和|负载已饱和", "server"),
    ("bad_response_status_code", "", "server"),
)  # fmt: skip
_LITELLM = phrases(
    ("invalid proxy server token", "", "gateway"),
    ("litellm virtual key expected", "", "gateway"),
    ("litellm_verificationtoken", "", "gateway"),
    ("malformed api key passed in", "", "gateway"),
    ("expired key", r"authentication error[^\n]{0,20}expired key", "gateway"),
    ("no api key passed in", "", "no_key_sent"),
    (
        "budget",
        r"budget (?:has been |was |is )?(?:exceeded|exhausted|used up)|exceeded ?budget|budget_?exceeded|over budget\b",
        "gateway_quota",
    ),
    ("not allowed to access model", r"(?:key|team|user)\b[^\n]{0,30}not allowed to access model", "gateway_forbidden"),
    ("llm provider not provided", "", "bad_request"),
    ("no deployments available", "", "gateway_route"),
    ("no healthy deployment", "", "gateway_route"),
)
_API_GATEWAYS = phrases(
    # AWS
    ("missing authentication token", "", "gateway_path"),
    ("explicit deny", r"not authorized to access this resource with an explicit deny", "gateway_forbidden"),
    # Apigee
    (("invalid apikey", "invalidapikey"), r"\binvalid apikey\b|oauth\.v2\.invalidapikey\b", "gateway"),
    ("failed to resolve api key", "", "no_key_sent"),
    ("failedtoresolveapikey", "", "no_key_sent"),
    ("no apiproduct match", "", "gateway_forbidden"),
    ("quota violation", r"rate ?limit quota violation", "quota"),
    (("spike arrest", "spikearrest"), r"spike ?arrest violation", "quota"),
    # Azure API Management
    ("missing subscription key", "", "no_key_sent"),
    ("invalid subscription key", "", "gateway"),
    # Kong
    ("no api key found in request", "", "no_key_sent"),
    ("no route matched with those values", "", "gateway_route"),
    # Tyk, 3scale
    ("access to this api has been disallowed", "", "gateway_forbidden"),
    (("authorization field missing", "authentication parameters missing"), "", "no_key_sent"),
    # WSO2
    ("9009", r"\bcode\W{1,4}(?:900900|900901|900903)\b", "gateway"),
    ("900902", r"\bcode\W{1,4}900902\b", "no_key_sent"),
    ("900908", r"\bcode\W{1,4}900908\b", "gateway_forbidden"),
    # Envoy, Istio
    ("rbac: access denied", "", "gateway_forbidden"),
    ("jwt is missing", "", "no_key_sent"),
    ("jwt", r"\bjwt (?:verification fails|issuer is not configured|is expired|is not in the form)\b", "gateway"),
    (("jwks", "audiences in jwt"), r"\bjwks doesn't have key\b|audiences in jwt are not allowed", "gateway"),
    ("jwt_authn_access_denied", r"jwt_authn_access_denied\{jwt_is_missing", "no_key_sent"),
    ("jwt_authn_access_denied", r"jwt_authn_access_denied\{jw(?!t_is_missing)", "gateway"),
    ("rbac_access_denied", "", "gateway_forbidden"),
    ("upstream connect error", "", "server"),
    ("no healthy upstream", "", "server"),
    ("backend nodegroup unavailable", "", "server"),
    ("1015", r"\berror code: 1015\b|error 1015\b", "blocked"),
)
# The libraries that most gateways check signed tokens with.
_SIGNED_TOKENS = phrases(
    ("jsonwebtoken", r"\bjsonwebtokenerror\b(?!\W{1,4}jwt must be)|\bio\.jsonwebtoken\.", "gateway"),
    ("jwt", r"\bjwt (?:malformed|expired|signature does not match)\b", "gateway"),
    ("jwt must be provided", "", "no_key_sent"),
    weight=GENERAL,
)
_CLOUDFLARE = phrases(
    ("error code: 1", r"error code: 10(?:0[5-9]|1[0-25]|20)\b", "blocked"),
    ("error 10", r"\berror 10(?:0[5-9]|1[0-25]|20)\b", "blocked"),
    ("attention required! | cloudflare", "", "blocked"),
    ("you have been blocked", r"sorry, you have been blocked", "blocked"),
    ("just a moment", r"just a moment\.{3}", "blocked"),
    ("unusual traffic", r"unusual traffic from your computer network", "blocked"),
    ("automated queries", r"may be sending automated queries", "blocked"),
    ("worker threw exception", "", "server"),
    ("cloudflare", r"\berror (?:code )?52\d\b(?=[^\n]{0,200}cloudflare)|cloudflare[^\n]{0,80}\b52\d\b", "server"),
    ("2009", r"code\W{1,4}2009\b", "gateway"),
    ("aigatewayerror", r"aigatewayerror[^\n]{0,80}(?:auth|401)|(?:auth|401)[^\n]{0,80}aigatewayerror", "gateway"),
    (("zscaler", "fortiguard", "netskope", "umbrella", "forcepoint"),
     r"(?:denied|blocked|not allowed|permission)[^~]{0,200}\b(?:zscaler|fortiguard|netskope|cisco umbrella|forcepoint)"
     r"|\b(?:zscaler|fortiguard|netskope|cisco umbrella|forcepoint)[^~]{0,200}(?:denied|blocked|not allowed)",
     "blocked"),
    ("incapsula incident", "", "blocked"),
    ("request unsuccessful. incapsula", "", "blocked"),
    ("blocked by",
     r"(?:request|page|site|url|access)\b[^\n]{0,40} blocked by (?:your |the )?(?:administrator"
     r"|organization|network|firewall|policy|zscaler|fortinet)", "blocked"),
)  # fmt: skip
_OTHER_PROVIDERS = phrases(
    ("platform.openai.com", r"incorrect api key provided[^\n]{0,200}platform\.openai\.com", "openai"),
    ("provide an api key", r"you didn't provide an api key", "no_key_sent"),
    ("platform.openai.com/docs/guides/error-codes",
     r"quota[^\n]{0,200}platform\.openai\.com/docs/guides/error-codes", "openai_quota"),
    ("insufficient_quota",
     r"insufficient_quota(?=[^\n]{0,400}openai\.com)|openai\.com[^\n]{0,400}insufficient_quota", "openai_quota"),
    ("unsupported_country", r"unsupported_country_region_territory", "region"),
    ("invalid x-api-key", "", "anthropic"),
    (("x-api-key header is required", "resolve authentication method"),
     r"x-api-key header is required|could not resolve authentication method", "no_key"),
    ("credit balance is too low", "", "credits"),
    ("overloaded_error", "", "server"),
    ("no auth credentials found", "", "no_key_sent"),
    ("no cookie auth credentials", "", "no_key_sent"),
    ("insufficient credits", "", "gateway_quota"),
    ("out of credits", r"\b(?:run|ran|are) out of credits", "gateway_quota"),
    ("requires more credits", "", "gateway_quota"),
    ("insufficient balance", "", "gateway_quota"),
    (("credit card on file", "limit exceeded for the virtual key"), "", "gateway_quota"),
    ("virtual",
     r"\b\w{0,20}missing_virtual_key\b|\bvirtual key (?:is )?(?:missing|required|not (?:provided|found))\b",
     "no_key_sent"),
    ("virtual",
     r"\b\w{0,20}invalid_virtual_key\b|\bvirtual key (?:is |has )?(?:invalid|expired|disabled|revoked|unknown)\b",
     "gateway"),
    (("for your organization", "your role does not include"),
     r"\bis not enabled for your organization\b|your role does not include", "gateway_forbidden"),
    ("portkey", r"portkey[^\n]{0,60}(?:invalid|missing) api key", "gateway"),
)  # fmt: skip
_LESS = phrases(
    ("api_error", r"\btype\W{1,6}(?:one|new|rix|v|shell|chat|veloera)_?api_error\b", "gateway_said"),
    ("upstream_error", r"\btype\W{1,6}upstream_error\b", "server"),
    ("auth", r"\btype\W{1,6}(?:authentication|auth)_error\b", "unauthorized"),
    ("permission_error", r"\btype\W{1,6}permission_error\b", "gateway_forbidden"),
    ("rate_limit_error", r"\btype\W{1,6}rate_limit_error\b", "quota"),
    ("insufficient_quota", "", "gateway_quota"),
    # n8n says this of any 400, also of one for an invalid key.
    ("please check your parameters", r"bad request\W{1,4}please check your parameters", "doubtful"),
    weight=CODE,
)
_GENERAL = phrases(
    ("authorization required", r"401 authorization required", "gateway"),
    ("invalid_api_key", r"\binvalid_api_key\b", "unauthorized"),
    ("context_length_exceeded", "", "bad_request"),
    ("maximum context length", "", "bad_request"),
    ("does not support", r"\bprovider does not support\b", "gateway_route"),
    ("invalid provider", r"\binvalid provider(?:[.!\"'}]|$|\n)", "gateway_route"),
    weight=GENERAL,
)
PHRASES = (*_ONE_API, *_LITELLM, *_API_GATEWAYS, *_SIGNED_TOKENS, *_CLOUDFLARE, *_OTHER_PROVIDERS, *_LESS, *_GENERAL)
