"""What libraries and frameworks say where no key, no usable one, or a login in its place was found."""

from __future__ import annotations

from genai_credentials.cli.reading.phrases.phrase import GENERAL, OURS, VAGUE, phrases

_KEY = r"\w{0,40}(?:api[ _-]?keys?|apikey|api[ -]?token)\w{0,20}\b"
_IS_MISSING = (
    r"(?:missing|empty|undefined|unset|required|blank|absent|unbound variable"
    r"|(?:is|was|got|be) (?:null|none|nil)"
    r"|not (?:been )?(?:set|found|provided|configured|specified|supplied|defined|given|available|present|passed"
    r"|detected|loaded|exist|initiali[sz]ed)"
    r"|(?:isn't|wasn't|hasn't been) (?:set|found|provided|configured|defined)"
    r"|must (?:be|not be)|(?:must|should|needs? to|has to|to) (?:either )?be (?:set|provided|passed|specified"
    r"|configured)"
    r"|(?:cannot|can't|can not|should not) be (?:null|empty|blank|none|undefined)"
    r"|could not be (?:found|resolved|loaded|determined)|field required|doesn't exist|does not exist)"
)
_LACKS = (
    r"(?:missing|\bno|without(?: an?)?|(?:did not|didn't|could not|couldn't|cannot|can't|unable to)"
    r" (?:find|get|load|read|resolve|determine)|\bneeds?|\brequires?|\bset (?:the |your |either )?"
    r"|\bprovide\b(?! a valid)|(?:cannot|can't) be (?:null|empty|blank)|undefined array key"
    r"|could not resolve placeholder|\bkeyerror|key not found"
    r"|please (?:set|provide|add|configure|enter|specify|pass in|supply|input|export|define)"
    r"|must (?:set|provide|specify|pass|supply|configure))"
)
_IS_BAD = (
    r"(?:invalid|not (?:a )?valid|isn't valid|incorrect|wrong|expired|revoked|disabled|deactivated|malformed"
    r"|unauthori[sz]ed|rejected|not (?:recogni[sz]ed|accepted|authori[sz]ed)|unrecogni[sz]ed|banned|inactive)"
)
# In other tongues: a gateway, a tool or the people around it speak them. Words for a key, for a lack, for a fault.
_KEY_ABROAD = (
    r"(?:api[ _-]?key|api密钥|api 密钥|密钥|apiキー|api キー|api 키|api키|api[- ]?ключ"
    r"|clave (?:de )?api|chave (?:da |de )?api|clé (?:d')?api|clef api|api[- ]?schlüssel|chiave api|khóa api)"
)
_LACKING_ABROAD = (
    r"(?:未(?:设置|配置|提供|找到|填写|检测到|設定)|缺少|缺失|为空|不能为空|没有(?:设置|配置|提供|找到)"
    r"|请(?:先|您)?(?:设置|配置|填写|提供|输入|检查)"
    r"|設定されて|見つかりません|必要です|ありません|없습니다|설정되지|필요합니다|설정해|찾을 수 없"
    r"|не (?:указан|найден|задан|установлен)|отсутствует|требуется|falta|no se (?:encontró|ha configurado|proporcionó)"
    r"|não (?:foi )?(?:encontrad|configurad|definid|fornecid|informad)|manquant"
    r"|non (?:définie|configurée|trouvée|fournie)|introuvable"
    r"|fehlt|nicht (?:gesetzt|gefunden|konfiguriert|angegeben)|mancante|thiếu|chưa (?:được )?(?:cấu hình|thiết lập))"
)
_BAD_ABROAD = (
    r"(?:无效|错误|不正确|失效|已?过期|無効|正しくありません|유효하지 않|잘못된|만료"
    r"|недействит|неверн|просрочен|inválid|no válid|incorrect"
    r"|invalide|non valide|expirée|ungültig|abgelaufen|non valid|không hợp lệ)"
)

_LIBRARIES = phrases(
    ("missing key inputs argument", "", "no_key"),
    ("no api key was provided", "", "no_key"),
    ("no api_key or adc found", "", "no_key"),
    ("did not find google_api_key", "", "no_key"),
    ("api key is missing. pass it using", "", "no_key"),
    ("please pass in the api key or set", "", "no_key"),
    ("api key required for", "", "no_key"),
    ("environment variables not set up", r"api key environment variables not set up", "no_key"),
    ("variable is not set. defaulting to a blank",
     r"key\"? variable is not set\. defaulting to a blank string", "no_key"),
    ("client option must be set", r"api_?key client option must be set", "no_key"),
    ("field required", r"\w{0,40}(?:api_?key|token)\w{0,20}\n ?field required", "no_key"),
    ("parameter '", r"cannot be (?:null|empty)[^\n]{0,20}\(parameter '\w{0,20}key", "no_key"),
    ("keyerror", r"keyerror: '?\"?\w{0,40}api_?key\w{0,20}", "no_key"),
    ("key=", r"[?&]key=\W{0,6}(?:none|null|undefined|your_\w{1,40})?(?=[\s'\"&]|$)", "no_key"),
)  # fmt: skip
_LOGINS = phrases(
    ("default credentials were not found", "", "default_credentials"),
    ("could not automatically determine credentials", "", "default_credentials"),
    ("could not load the default credentials", "", "default_credentials"),
    ("could not find default credentials", "", "default_credentials"),
    ("default credentials are not available",
     r"application default credentials are not available", "default_credentials"),
    ("unable to find default credentials", "", "default_credentials"),
    ("no gcp credentials", "", "default_credentials"),
)  # fmt: skip
# HTTP libraries that refuse a header before it is sent: an empty key, a line break in it, letters that are no ASCII.
_HEADERS = phrases(
    ("illegal header value", r"illegal header value b?'(?:bearer ?)?'", "no_key"),
    ("illegal header value", "", "bad_secret"),
    ("invalid header value", "", "bad_secret"),
    ("invalid character in header content", "", "bad_secret"),
    ("is not a legal http header value", "", "bad_secret"),
    ("non iso-8859-1 code point", "", "bad_secret"),
    ("invalid leading whitespace", r"invalid leading whitespace[^\n]{0,60}header", "bad_secret"),
    ("header value contains", r"header value contains (?:illegal|invalid|control)", "bad_secret"),
    ("invalid value for header", "", "bad_secret"),
    (
        "codec can't encode",
        r"(?:header|x-goog|httpx|http/client)[^~]{0,400}(?:ascii|latin-1)' codec can't encode"
        r"|(?:ascii|latin-1)' codec can't encode[^~]{0,200}(?:header|x-goog)",
        "bad_secret",
    ),
    ("invalid header field value", "", "bad_secret"),
    ("contains non-ascii", r"header '[\w-]{1,60}' value contains non-ascii", "bad_secret"),
    ("failed to parse header value", "", "bad_secret"),
)
_OURS = phrases(
    ("nocredentials", r"\bnocredentials\b", "no_key"),
    ("no provider of the chain has", "", "no_key"),
    ("invalidsecret", r"\binvalidsecret\b", "bad_secret"),
    ("what is stored there", "", "bad_secret"),
    ("missingdependency", "", "missing_package"),
    ("pip install 'genai-credentials[", "", "missing_package"),
    ("genai_credentials.errors.configurationerror", "", "configuration"),
    ("configurationerror:", r"(?:^|\n)configurationerror:", "configuration"),
    weight=OURS,
)
_GENERAL = phrases(
    (("key", "token"), rf"{_KEY}[^\n.]{{0,60}}?\b{_IS_MISSING}\b", "no_key"),
    (("key", "token"), rf"{_LACKS}\b[^\n.]{{0,40}}?\b{_KEY}", "no_key"),
    (("key", "token"),
     r"(?:could not|couldn't|cannot|can't|unable to|failed to|error)"
     r" (?:retriev|read|load|decrypt|fetch|obtain|access)\w{0,4}"
     rf" (?:the |your |an? )?{_KEY}", "no_key"),
    ("defaultcredentialserror", "", "default_credentials"),
    ("none of the following", r"none of the following[^\n]{0,60}\b(?:keys?|variables?)\b[^\n]{0,30}\bset\b", "no_key"),
    ("credentials", r"(?:missing|no) (?:valid )?(?:authentication |auth )?credentials\b", "no_key"),
    ("token",
     r"(?:\bno|missing) (?:access |auth |bearer |api |authorization )?token\b(?: (?:was "
     r"|is )?(?:supplied|provided|found|present|given|sent))?", "no_key_sent"),
    ("variable",
     r"missing [^\n]{0,40}environment variables?\b|environment variables? [^\n]{0,60}(?:missing"
     r"|not set|not found|undefined|required)", "no_key"),
    (("api", "密钥"),
     rf"{_KEY_ABROAD}[^\n]{{0,30}}?{_LACKING_ABROAD}|{_LACKING_ABROAD}[^\n]{{0,30}}?{_KEY_ABROAD}", "no_key"),
    (("token", "令牌"), rf"{_LACKING_ABROAD}[^\n]{{0,15}}(?:token|令牌)", "no_key_sent"),
    ("apikey",
     r"(?:missing|\bno)_?apikey|apikey_?(?:is_?)?(?:missing|required|not_?(?:set|found|provided"
     r"|configured))", "no_key"),
    ("api_key",
     r"(?:missing|\bno)_?api_key|api_key_(?:is_)?(?:missing|required|not_?(?:set|found|provided"
     r"|configured))", "no_key"),
    ("key", r"api[ _]?key[\"']?(?: provided)?[:=]? ?[\"'(]{0,2}(?:none|null|undefined)\b", "no_key"),
    ("nonetype", rf"'nonetype'>`? for [^\n]{{0,20}}{_KEY}", "no_key"),
    ("must be", rf"{_KEY}[^\n]{{0,40}}must be [^\n]{{0,40}}(?:none|null|undefined)", "no_key"),
    (("key", "token"), rf"{_KEY}[^\n.]{{0,40}}?\b{_IS_BAD}\b", "unauthorized"),
    ("key",
     r"(?:invalid|bad|wrong|expired|revoked)_?(?:api_?)?key|\bapi_?key_?(?:invalid|expired|revoked"
     r"|disabled)", "unauthorized"),
    ("invalid_auth", "", "unauthorized"),
    ("user not found", r"\buser not found\b", "unauthorized"),
    (("key", "token"), rf"\b{_IS_BAD}\b(?:(?!request|check|verif|make sure)[^\n.]){{0,40}}?\b{_KEY}", "unauthorized"),
    ("key", rf"\b(?:your|this|the) key (?:is|was|has been|has) {_IS_BAD}\b", "unauthorized"),
    ("key", r"(?:bad|invalid|wrong|incorrect|expired)[ _](?:\w{1,20}[ _])?api[ _]?key", "unauthorized"),
    ("token",
     r"\b(?:invalid|expired|revoked|incorrect) (?:api |auth |access |bearer "
     r"|authentication )?token\b(?! (?:at|in|<|'|count|limit))", "unauthorized"),
    ("token",
     r"\b(?:api|auth|access|bearer) token[^\n.]{0,20} (?:is |has )?(?:invalid|expired|revoked)", "unauthorized"),
    (("api", "密钥"),
     rf"{_KEY_ABROAD}[^\n]{{0,30}}?{_BAD_ABROAD}|{_BAD_ABROAD}[^\n]{{0,30}}?{_KEY_ABROAD}", "unauthorized"),
    ("auth", r"\b(?:authentication|authorization|authorisation) (?:has )?fail(?:ed|ure)", "unauthorized"),
    ("auth",
     r"(?:failed to|could not|unable to|not able to) authenticate|not authenticated"
     r"|(?<!proxy )authentication required", "unauthorized"),
    ("auth", r"invalid auth(?:entication|orization)?\b(?! header)", "unauthorized"),
    ("credentials", r"(?:invalid|wrong|bad|incorrect) (?:\w{1,20} )?credentials", "unauthorized"),
    weight=GENERAL,
)  # fmt: skip
_VAGUE = phrases(
    (
        "valid",
        r"(?:provide|enter|pass|use|need|require|supply|specify)\w{0,3} (?:a|your) valid"
        r" [^\n]{0,20}(?:api[ _-]?key|token)",
        "unauthorized",
    ),
    ("unauthorized", r"\bunauthorized\b", "unauthorized"),
    (("access denied", "permission denied"), "", "forbidden"),
    ("forbidden", r"\bforbidden\b", "forbidden"),
    ("too many requests", "", "quota"),
    ("rate limit", r"rate limit(?:ed| (?:was |has been )?(?:exceeded|reached|hit|error))", "quota"),
    ("rate limit", r"(?:hit|reached|exceeded)[^\n]{0,30} rate limit", "quota"),
    ("bad gateway", "", "server"),
    ("service unavailable", "", "server"),
    ("overloaded", "", "server"),
    ("capacity", r"(?:at|over|out of) capacity", "server"),
    ("temporarily unavailable", "", "server"),
    ("hot right now", "", "server"),
    ("quota", r"quota[^\n]{0,20} (?:exceeded|exhausted|reached)|(?:exceeded|reached|out of)[^\n]{0,30} quota", "quota"),
    ("请求", r"请求(?:过于|太)?频繁|请求频率超", "quota"),
    ("限流", "", "quota"),
    ("internal server error", "", "server"),
    ("check", r"check (?:that |if |whether )?(?:your|the) (?:\w{1,20} )?(?:api[ _-]?key|credentials)", "doubtful"),
    weight=VAGUE,
)
PHRASES = (*_LIBRARIES, *_LOGINS, *_HEADERS, *_OURS, *_GENERAL, *_VAGUE)
