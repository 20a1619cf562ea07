"""Words in other languages than English, of gateways, tools and people."""

from __future__ import annotations

from genai_credentials.cli.reading.phrases.phrase import CODE, GENERAL, VAGUE, phrases

_KEY = (
    r"(?:api[ _-]?keys?\b|api密钥|api 密钥|密钥|金鑰|apiキー|api キー|api 키|api키|api[- ]?ключ\w{0,2}"
    r"|ключ\w{0,2} api"
    r"|clave (?:de )?api|chave (?:da |de )?api|clé (?:d')?api|clef api|api[- ]?schlüssel|chiave api|khóa api"
    r"|api anahtar\w{0,3}|kunci api|klucz api|api-sleutel|مفتاح api|کلید api|מפתח (?:ה-?)?api|api कुंजी"
    r"|klíč api|api[ -]klíč|api[ -]?nyckel\w{0,2}|api[ -]?nøgle\w{0,2}|api[ -]?nøkkel\w{0,2}|api[ -]?avain"
    r"|api[ -]?kulcs|chei[ae] api|κλειδί api|คีย์ api)"
)
_LACKING = (
    r"(?:未(?:设置|配置|提供|找到|填写|检测到|設定|設置|輸入)|缺少|缺失|为空|不能为空|没有(?:设置|配置|提供|找到)"
    r"|请(?:先|您)?(?:在[^\n]{0,12})?(?:设置|配置|填写|提供|输入|检查)"
    r"|設定(?:されて|してくだ)|見つかりません|必要です|(?<!正しく)(?<!では)ありません"
    r"|없습니다|설정되지|필요합니다|설정해|찾을 수 없"
    r"|не (?:указан|найден|задан|установлен)|отсутствует|требуется|falta|no se (?:encontró|ha configurado|proporcionó)"
    r"|(?:por favor,? )?configur[ea]\b|não (?:foi )?(?:encontrad|configurad|definid|fornecid|informad)|manquant"
    r"|veuillez|aucune|non (?:définie|configurée|trouvée|fournie)|introuvable"
    r"|fehlt|nicht (?:gesetzt|gefunden|konfiguriert|angegeben)|mancante|thiếu|chưa (?:được )?(?:cấu hình|thiết lập)"
    r"|bulunamadı|ayarlanmamış|tidak (?:ditemukan|diatur)|belum diatur|brak|nie (?:ustawion|znalezion)|ontbreekt"
    r"|नहीं (?:मिली|है)|відсутн|не (?:вказан|знайден|задан)|chybí|saknas|mangler|puuttuu|hiányzik|lipsește|λείπει|חסר"
    r"|ไม่พบ|یافت نشد)"
)
_BAD = (
    r"(?:无效|無效|(?<!未知)(?<!发生)(?<!请求)(?:错误|錯誤)"
    r"|不正确|不正確|失效|已?过期|無効|正しくありません|유효하지 않|잘못된|만료"
    r"|недействит|неверн|просрочен|inválid|no (?:es )?válid|incorrect"
    r"|invalide|non valide|expirée|ungültig|abgelaufen|non valid|không hợp lệ"
    r"|geçersiz|tidak valid|nieprawidłow|nieważn|ongeldig|غير صالح|अमान्य|недійсн|невірн"
    r"|neplatn|ogiltig|ugyldig|virheellinen|érvénytelen|nevalid|invalid[aă]\b"
    r"|μη έγκυρ|לא (?:תקין|חוקי)|ไม่ถูกต้อง|نامعتبر)"
)
_NEEDLES = (
    "api key", "api_key", "api-key", "apikey", "api\nkey", "密钥", "金鑰", "apiキー", "api キー", "api\nキー", "api 키",
    "api키", "api\n키", "ключ", "clave", "chave", "clé", "clef", "schlüssel", "chiave", "khóa", "anahtar", "kunci",
    "klucz", "sleutel", "مفتاح", "کلید", "מפתח", "कुंजी", "klíč", "nyckel", "nøgle", "nøkkel", "avain", "kulcs", "chei",
    "κλειδί", "คีย์",
)  # fmt: skip
_OF_A_KEY = phrases(
    (_NEEDLES, rf"{_KEY}[^\n]{{0,30}}?{_LACKING}|{_LACKING}[^\n]{{0,40}}?{_KEY}", "no_key"),
    (("token", "令牌"), rf"{_LACKING}[^\n]{{0,15}}(?:token|令牌)", "no_key_sent"),
    (_NEEDLES, rf"{_KEY}[^\n]{{0,30}}?{_BAD}|{_BAD}[^\n]{{0,30}}?{_KEY}", "unauthorized"),
    (("失败", "未授权", "未经授权"), r"(?:验证|认证|鉴权|授权)失败|未授权|未经授权", "unauthorized"),
    (("認証", "인증"), r"認証(?:に失敗|エラー|が必要)|인증(?:에)? ?(?:실패|오류)", "unauthorized"),
    (("аутентификации", "авториз"), r"(?:ошибка|сбой) (?:аутентификации|авторизации)|не авторизован", "unauthorized"),
    ("autori", r"(?:no|non|não) autori(?:zz?|s)[aé](?:t?d?[oa])?\b|nicht autorisiert", "unauthorized"),
    (("auten", "authent"),
     r"(?:error|falha|fallo|erreur|échec) (?:de |na |d')(?:l'|la )?(?:autentica|authentifi)\w{0,8}"
     r"|(?:autenticación|autenticação|autenticazione|authentification|authentifizierung) (?:fall|falh|échou|fehlge)",
     "unauthorized"),
    (("地区", "地域", "国家", "地區"),
     r"(?:地区|地域|国家|地區)[^\n]{0,8}不(?:支持|可用|支援)|不支持[^\n]{0,8}(?:地区|国家)", "region"),
    weight=GENERAL,
)  # fmt: skip
_MORE = phrases(
    (("kota", "कोटा"), r"\bkota [^\n]{0,12}(?:aşıl|dol|habis|terlampaui)|कोटा", "quota"),
    (("请求", "频率", "速率", "限流"), r"请求(?:过于|太)?频繁|请求频率超|请求过多|限流|速率限制|频率限制", "quota"),
    (("配额", "额度"), r"配额(?:已)?(?:用尽|不足|超)|额度(?:已)?用尽", "quota"),
    (("リクエスト", "レート", "制限"), r"リクエストが多すぎ|レート制限|利用制限|制限に達し", "quota"),
    (("요청", "할당량"), r"요청 한도|요청이 너무 많|할당량", "quota"),
    (("превышен", "много запросов"), r"превышен\w{0,2} (?:лимит|квот)|слишком много запросов", "quota"),
    (("cuota", "cota", "límite", "limite", "quota"),
     r"(?:cuota|cota)[^\n]{0,12} (?:excedid|superad|agotad|esgotad)|superado la cuota|quota (?:dépass|esaurit|superat)"
     r"|l[íi]mite de [^\n]{0,20}(?:excedid|superad|alcanzad)|limite di velocità", "quota"),
    (("trop de", "zu viele", "kontingent", "demasiadas", "muitas", "troppe"),
     r"trop de requêtes|zu viele anfragen|kontingent (?:überschritten|erschöpft)|demasiadas (?:solicitudes|peticiones)"
     r"|muitas (?:solicitações|requisições)|troppe richieste", "quota"),
    (("无权", "没有权限", "权限不足"), r"无权限|没有权限|权限不足", "forbidden"),
    (("アクセス", "권한", "доступ"), r"アクセスが拒否|アクセス拒否|권한이 없|доступ запрещ", "forbidden"),
    (("denegado", "negado", "verweigert", "refusé", "negato"),
     r"(?:acceso|permiso) denegado|acesso negado|zugriff verweigert|accès refusé|accesso negato", "forbidden"),
    (("服务", "サーバー", "서버"),
     r"服务器?(?:繁忙|错误|内部错误|暂时不可用|不可用)|サーバーエラー|서버 오류", "server"),
    weight=VAGUE,
)  # fmt: skip
_NETWORK = phrases(
    ("超时", r"(?:请求|连接|响应|读取)超时", "timeout"),
    (
        ("网络", "ネットワーク", "네트워크"),
        r"网络(?:连接)?(?:失败|错误|异常)|ネットワークエラー|ネットワークに接続|네트워크 오류",
        "connection",
    ),
    (("タイムアウト", "시간 초과"), "", "timeout"),
    weight=CODE,
)
PHRASES = (*_OF_A_KEY, *_MORE, *_NETWORK)
