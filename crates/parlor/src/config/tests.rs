use std::collections::BTreeSet;

use super::fields::{BusBackend, Moderation};
use super::*;

fn with_variables(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variables = variables.iter().map(|(name, text)| (name.to_string(), text.to_string()));
    load(None, variables, &Overrides::default())
}

fn with_file(text: &str) -> Result<Config, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("parlor.toml");
    std::fs::write(&path, text).unwrap();
    load(Some(&path), [], &Overrides::default())
}

fn faults(result: Result<Config, ConfigError>) -> String {
    result.expect_err("is refused").to_string()
}

fn working() -> Config {
    let mut config = Config::default();
    config.identity.hs256_secret = Some(Secret::new("s".repeat(32)));
    config
}

fn refusal(change: impl FnOnce(&mut Config)) -> String {
    let mut config = working();
    change(&mut config);
    refuse(&config, false).expect_err("is refused").to_string()
}

#[test]
fn printed_default_parses_back_to_the_defaults() {
    assert_eq!(with_file(&default_toml()).unwrap(), Config::default());
}

#[test]
fn printed_default_with_its_examples_is_accepted() {
    let examples: String = default_toml()
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') && rest.contains(" = ") => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let config = with_file(&examples).unwrap();
    assert_eq!(config.identity.jwks_file, Some(PathBuf::from("/etc/parlor/jwks.json")));
    assert!(config.server.tls_cert.is_some() && config.identity.hs256_secret.is_some());
}

#[test]
fn printed_default_has_every_field_with_doc_unit_default_and_variable() {
    let printed = default_toml();
    for section in fields::describe() {
        assert!(printed.contains(&format!("\n[{}]\n", section.name)));
        for field in &section.fields {
            let name = field.name;
            assert!(!field.docs.is_empty(), "{name} has no doc comment");
            assert!(!field.unit.is_empty(), "{name} has no unit");
            assert!(field.default.is_some() || field.example.is_some(), "{name} shows no value");
            assert!(
                printed.contains(&format!("\n{name} = "))
                    || printed.contains(&format!("\n#{name} = "))
            );
            assert!(printed.contains(&environment::variable(&section, field)));
            let unit = format!("# Unit: {}. Default: ", field.unit);
            assert!(printed.contains(&unit), "{name} shows no unit");
        }
    }
}

#[test]
fn every_field_can_be_set_by_its_variable() {
    for section in fields::describe() {
        for field in &section.fields {
            let text = match field.kind {
                setting::Kind::List => String::new(),
                _ => field.default.clone().or(field.example.clone()).unwrap().replace('"', ""),
            };
            let variable = environment::variable(&section, field);
            with_variables(&[(&variable, &text)]).unwrap();
        }
    }
}

#[test]
fn field_names_are_unique_within_their_section() {
    for section in fields::describe() {
        let names: BTreeSet<_> = section.fields.iter().map(|field| field.name).collect();
        assert_eq!(names.len(), section.fields.len());
    }
}

#[test]
fn flags_override_variables_override_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("parlor.toml");
    std::fs::write(
        &path,
        "[server]\nlisten = \"127.0.0.1:1\"\ndata = \"from-file\"\ndrain_ms = 1\n",
    )
    .unwrap();
    let variables = [
        (String::from("PARLOR_SERVER__LISTEN"), String::from("127.0.0.1:2")),
        (String::from("PARLOR_SERVER__DATA"), String::from("from-environment")),
        (String::from("HOME"), String::from("/elsewhere")),
    ];
    let flags = Overrides { listen: Some(([127, 0, 0, 1], 3).into()), data: None };
    let config = load(Some(&path), variables, &flags).unwrap();
    assert_eq!(config.server.listen.port(), 3);
    assert_eq!(config.server.data, PathBuf::from("from-environment"));
    assert_eq!(config.server.drain_ms, 1);
    assert_eq!(config.server.shards, 0);
}

#[test]
fn unknown_key_is_refused_by_name_and_place() {
    let fault = faults(with_file("[server]\nlisten_on = \"127.0.0.1:1\"\n"));
    assert!(fault.contains("unknown key `listen_on` in the section [server]"), "{fault}");
    assert!(fault.contains("parlor.toml") && fault.contains("drain_ms"), "{fault}");
    let fault = faults(with_file("[sever]\n"));
    assert!(fault.contains("unknown key `sever`") && fault.contains("server, identity"), "{fault}");
    let fault = faults(with_file("[server]\nport = 1\n[limits]\nping_ms = 2\n"));
    assert!(fault.contains("`port`") && fault.contains("`ping_ms`"), "{fault}");
}

#[test]
fn unknown_variable_is_refused_with_its_likes() {
    let fault = faults(with_variables(&[("PARLOR_SERVER__LISTN", "x"), ("PARLOR_LISTEN", "y")]));
    assert!(fault.contains("PARLOR_SERVER__LISTN is no setting"), "{fault}");
    assert!(
        fault
            .contains("PARLOR_LISTEN is no setting of Parlor; did you mean PARLOR_SERVER__LISTEN?"),
        "{fault}"
    );
}

#[test]
fn value_of_another_type_is_refused_with_its_key() {
    let fault = faults(with_file("[server]\ndrain_ms = \"soon\"\n"));
    assert!(fault.contains("`server.drain_ms`") && fault.contains("parlor.toml"), "{fault}");
    let fault = faults(with_variables(&[("PARLOR_SERVER__DRAIN_MS", "soon")]));
    assert_eq!(fault, "the environment variable PARLOR_SERVER__DRAIN_MS must be a whole number");
    let fault = faults(with_variables(&[("PARLOR_SERVER__LISTEN", "localhost")]));
    assert!(fault.contains("`server.listen`") && fault.contains("the environment"), "{fault}");
    let fault = faults(with_file("[durability]\nfsync = \"never\"\n"));
    assert!(fault.contains("never") && fault.contains("relaxed"), "{fault}");
}

#[test]
fn broken_or_missing_file_is_refused() {
    assert!(faults(with_file("[server\n")).contains("is not valid TOML"));
    let missing = load(Some(Path::new("/nowhere/parlor.toml")), [], &Overrides::default());
    assert!(faults(missing).contains("cannot read the configuration file /nowhere/parlor.toml"));
}

#[test]
fn secret_of_digits_stays_text_and_is_never_shown() {
    let digits = "01234567890123456789012345678901";
    let config = with_variables(&[("PARLOR_IDENTITY__HS256_SECRET", digits)]).unwrap();
    let secret = config.identity.hs256_secret.clone().unwrap();
    assert_eq!(secret.expose(), digits.as_bytes());
    assert!(!format!("{config:?}").contains("0123"));
}

#[test]
fn lists_come_from_commas() {
    let config = with_variables(&[
        ("PARLOR_IDENTITY__AUDIENCE", "chat, web,"),
        ("PARLOR_IDENTITY__ALGORITHMS", "ES256"),
    ])
    .unwrap();
    assert_eq!(config.identity.audience, ["chat", "web"]);
    assert_eq!(config.identity.algorithms, [JwtAlgorithm::Es256]);
}

#[test]
fn defaults_need_an_identity_or_dev() {
    let fault = refuse(&Config::default(), false).expect_err("is refused").to_string();
    assert!(fault.contains("PARLOR_IDENTITY__HS256_SECRET") && fault.contains("--dev"), "{fault}");
    refuse(&Config::default(), true).unwrap();
    refuse(&working(), false).unwrap();
}

#[test]
fn dev_is_refused_beyond_loopback() {
    let mut config = Config::default();
    config.server.listen = ([0, 0, 0, 0], 3000).into();
    let fault = refuse(&config, true).expect_err("is refused").to_string();
    assert!(fault.contains("loopback") && fault.contains("0.0.0.0"), "{fault}");
}

#[test]
fn combinations_that_cannot_work_are_refused() {
    assert!(
        refusal(|c| c.identity.hs256_secret = Some(Secret::new("short".into())))
            .contains("has 5 bytes")
    );
    assert!(refusal(|c| c.identity.hs256_secret_file = Some("x".into())).contains("both set"));
    assert!(refusal(|c| c.server.tls_cert = Some("x".into())).contains("without server.tls_key"));
    assert!(refusal(|c| c.server.tls_key = Some("x".into())).contains("without server.tls_cert"));
    assert!(
        refusal(|c| c.identity.jwks_url = Some("http://id.example/keys".into()))
            .contains("plain http")
    );
    assert!(refusal(|c| c.identity.jwks_url = Some("keys".into())).contains("https"));
    assert!(refusal(|c| c.identity.algorithms = vec![JwtAlgorithm::Es256]).contains("algorithms"));
    assert!(refusal(|c| c.limits.content_bytes_max = 1_000_000).contains("fit a packet"));
    assert!(
        refusal(|c| (c.limits.content_bytes_max, c.limits.packet_bytes_max) = (1 << 20, 1 << 22))
            .contains("output_queue_bytes_max")
    );
    assert!(
        refusal(|c| c.limits.catch_up_hold_bytes_max = 1 << 20).contains("output_queue_bytes_max")
    );
    assert!(refusal(|c| c.limits.history_limit_default = 201).contains("history_limit_default"));
    assert!(refusal(|c| c.server.path = "chat".into()).contains("slash"));
    assert!(refusal(|c| c.server.cors_origins = vec!["chat.example".into()]).contains("no origin"));
}

#[test]
fn postgres_needs_its_address_and_a_parlor_that_has_it() {
    let postgres = |config: &mut Config| config.store.backend = Backend::Postgres;
    assert!(refusal(postgres).contains("PARLOR_STORE__URL"));
    let sealed = refusal(|config| {
        postgres(config);
        config.encryption.master_key = Some(Secret::new("7".repeat(64)));
    });
    assert!(sealed.contains("[encryption] is for SQLite"));
    let none = refusal(|config| {
        postgres(config);
        config.store.connections = 0;
    });
    assert!(none.contains("store.connections must be from 1"));
    let address = || Some(Secret::new(String::from("postgres://parlor@/parlor")));
    let copied = refusal(|config| config.store.replica_url = address());
    assert!(copied.contains("store.replica_url is set, but messages are kept in SQLite"));
    let mut config = working();
    config.store.url = address();
    assert!(refuse(&config, false).expect_err("is refused").to_string().contains("SQLite"));
    postgres(&mut config);
    let built_in = cfg!(feature = "postgres");
    assert_eq!(refuse(&config, false).is_ok(), built_in);
    let error = refuse(&config, false).err().map(|error| error.to_string());
    assert!(error.is_none_or(|error| error.contains("--features postgres")));
}

#[test]
fn addresses_may_lie_in_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, secret) = (folder.path().join("parlor.toml"), folder.path().join("url"));
    std::fs::write(&secret, "redis://:password@redis.example\n").expect("it is written");
    let read = |more: &str| {
        let text = format!("[adapter]\nurl_file = {secret:?}\n{more}");
        std::fs::write(&file, text).expect("it is written");
        let mut config = load(Some(&file), [], &Overrides::default())?;
        read_addresses(&mut config).map(|()| config)
    };
    let config = read("[store]\n").expect("it is good");
    let url = config.adapter.url.expect("it was read");
    assert_eq!(url.expose(), b"redis://:password@redis.example");
    let both = read("url = \"redis://here\"\n").expect_err("one of them").to_string();
    assert!(both.contains("adapter.url and adapter.url_file are both set"), "{both}");
    std::fs::remove_file(&secret).expect("it is there");
    let missing = read("").expect_err("it is gone").to_string();
    assert!(missing.contains("cannot read adapter.url_file"), "{missing}");
}

#[test]
fn whoever_speaks_for_others_is_named() {
    let why = refusal(|config| config.server.proxy_protocol = true);
    assert!(why.contains("server.trusted_proxies"), "{why}");
}

#[test]
fn the_adapter_is_on_one_server_or_one_cluster() {
    let url = || Secret::new(String::from("redis://:secret@redis.example"));
    let why = refusal(|config| {
        config.adapter.url = Some(url());
        config.adapter.urls = vec![url()];
    });
    assert!(why.contains("adapter.urls") && !why.contains("secret@"), "{why}");
}

#[test]
fn the_prefix_of_the_adapter_has_bounds() {
    let refused = |prefix: &str| {
        let mut config = Config::default();
        config.adapter.prefix = String::from(prefix);
        refuse(&config, true)
            .err()
            .is_some_and(|error| error.to_string().contains("adapter.prefix"))
    };
    assert!(!refused("socket.io") && !refused(&"x".repeat(128)));
    assert!(refused("") && refused(&"x".repeat(129)) && refused("a\nb"));
}

#[test]
fn what_the_adapter_may_be_asked_has_bounds() {
    let refused = |value: u64| {
        let mut config = Config::default();
        config.adapter.sockets_told_max = value;
        refuse(&config, true).err().map(|error| error.to_string())
    };
    assert_eq!((refused(1), refused(1 << 24)), (None, None));
    for value in [0, (1 << 24) + 1] {
        let why = refused(value).expect("it is out of bounds");
        assert!(
            why.contains(&format!(
                "adapter.sockets_told_max must be from 1 to 16777216, not {value}"
            )),
            "{why}"
        );
    }
}

#[test]
fn a_bus_needs_its_address_and_a_store_that_several_servers_share() {
    let url = || Secret::new(String::from("redis://:secret@redis.example"));
    let with = |backend, change: &dyn Fn(&mut Config)| {
        let mut config = working();
        config.store.backend = Backend::Postgres;
        config.store.url = Some(Secret::new(String::from("postgres://parlor@/parlor")));
        config.bus.backend = backend;
        change(&mut config);
        let refused = refuse(&config, false).err();
        refused.map(|error| error.to_string()).filter(|why| why.contains("bus"))
    };
    let refused =
        |backend, change: &dyn Fn(&mut Config)| with(backend, change).expect("is refused");
    let server: &dyn Fn(&mut Config) = &|config| config.bus.url = Some(url());
    let cluster: &dyn Fn(&mut Config) = &|config| config.bus.urls = vec![url(), url()];
    assert_eq!(with(BusBackend::Redis, server), None);
    assert_eq!(with(BusBackend::RedisCluster, cluster), None);
    assert!(refused(BusBackend::Redis, cluster).contains("PARLOR_BUS__URL)"));
    assert!(refused(BusBackend::RedisCluster, server).contains("PARLOR_BUS__URLS"));
    assert!(refused(BusBackend::None, server).contains("bus.backend"));
    let also = |change: fn(&mut Config)| {
        let both = move |config: &mut Config| {
            server(config);
            change(config);
        };
        refused(BusBackend::Redis, &both)
    };
    assert!(also(|config| config.store = Default::default()).contains("SQLite, which one server"));
    assert!(also(|config| config.bus.cluster = String::from("a:b")).contains("`a:b`"));
    assert!(also(|config| config.bus.cluster = String::new()).contains("bus.cluster"));
    assert!(also(|config| config.bus.lease_ms = 1).contains("bus.lease_ms"));
    assert!(also(|config| config.bus.queue_bytes_max = 1).contains("bus.queue_bytes_max"));

    let config = with_file(
        "[bus]\nbackend = \"redis-cluster\"\nurls = [\"redis://:secret@a\", \"redis://b\"]\n",
    );
    let config = config.unwrap();
    assert_eq!(config.bus.urls.len(), 2);
    assert!(!format!("{config:?}").contains(":secret@"));
    let variable = with_variables(&[("PARLOR_BUS__URLS", "redis://:secret@a,redis://b")]).unwrap();
    assert_eq!(variable.bus.urls, config.bus.urls);
}

#[test]
fn loopback_key_set_may_be_plain_http() {
    for url in ["http://127.0.0.1:8000/keys", "http://[::1]/keys", "http://localhost/keys"] {
        let mut config = working();
        config.identity.jwks_url = Some(url.into());
        refuse(&config, false).unwrap();
    }
}

#[test]
fn secret_file_is_read_without_its_line_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret");
    std::fs::write(&path, format!("{}\r\n", "k".repeat(40))).unwrap();
    let identity = Identity { hs256_secret_file: Some(path.clone()), ..Identity::default() };
    assert_eq!(secret(&identity).unwrap().unwrap().expose(), "k".repeat(40).as_bytes());
    std::fs::write(&path, "short\n").unwrap();
    assert!(secret(&identity).unwrap_err().to_string().contains("at least 32"));
    let missing = Identity { hs256_secret_file: Some("/nowhere".into()), ..Identity::default() };
    assert!(secret(&missing).unwrap_err().to_string().contains("/nowhere"));
}

const DIGEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

#[test]
fn api_keys_come_from_the_file_and_from_the_environment() {
    let file = format!(
        "[api]\nkeys = [{{ name = \"shop\", sha256 = \"{DIGEST}\", \
         scopes = [\"messages:write\", \"users:read\"] }}]\n"
    );
    let from_file = with_file(&file).unwrap().api.keys;
    let variable = format!("shop:{DIGEST}:messages:write+users:read");
    let from_environment = with_variables(&[("PARLOR_API__KEYS", &variable)]).unwrap().api.keys;
    assert_eq!(from_file, from_environment);
    assert_eq!(from_file[0].scopes, [Scope::MessagesWrite, Scope::UsersRead]);
    let rendered = setting::Setting::render(&from_file).expect("it is set");
    assert_eq!(with_file(&format!("[api]\nkeys = {rendered}\n")).unwrap().api.keys, from_file);
}

#[test]
fn api_keys_that_cannot_work_are_refused() {
    for (value, said) in [
        ("shop", "NAME:SHA256:SCOPE"),
        ("shop:9f86:users:read", "`shop`: its SHA-256 must be 64 hexadecimal digits"),
        (&format!("a b:{DIGEST}:users:read"), "the name of a key must be"),
        (&format!("shop:{DIGEST}:users:rule"), "users:rule"),
        (&format!("shop:{DIGEST}:"), "messages:write"),
    ] {
        let fault = faults(with_variables(&[("PARLOR_API__KEYS", value)]));
        assert!(fault.contains(said), "{value}: {fault}");
    }
    for (table, said) in [
        ("name = \"shop\", sha256 = \"DIGEST\", scopes = []", "has no scope"),
        ("name = \"shop\", sha256 = \"DIGEST\"", "scopes"),
        ("name = \"shop\", key = \"x\"", "key"),
    ] {
        let file = format!("[api]\nkeys = [{{ {} }}]\n", table.replace("DIGEST", DIGEST));
        let fault = faults(with_file(&file));
        assert!(fault.contains(said), "{table}: {fault}");
    }
    for (name, fits) in [("n".repeat(64), true), ("n".repeat(65), false), (String::new(), false)] {
        let value = format!("{name}:{DIGEST}:users:read");
        assert_eq!(with_variables(&[("PARLOR_API__KEYS", &value)]).is_ok(), fits, "{name}");
    }
    let key = |name: &str, byte| ApiKey {
        name: name.to_owned(),
        sha256: [byte; 32],
        scopes: vec![Scope::UsersRead],
    };
    assert!(refusal(|c| c.api.keys = vec![key("a", 1), key("a", 2)]).contains("two keys"));
    assert!(refusal(|c| c.api.keys = vec![key("a", 1), key("b", 1)]).contains("same key"));
    assert!(refusal(|c| c.api.system_user = Some(String::new())).contains("api.system_user"));
    assert!(refusal(|c| c.limits.api_rate_burst = 0).contains("limits.api_rate_burst"));
}

#[test]
fn every_scope_is_known_by_its_word() {
    for scope in Scope::ALL {
        let value = format!("k:{DIGEST}:{}", scope.word());
        let keys = with_variables(&[("PARLOR_API__KEYS", &value)]).unwrap().api.keys;
        assert_eq!(keys[0].scopes, [scope]);
    }
}

#[test]
fn content_rules_are_read_from_tables_and_a_wrong_one_is_named() {
    let config = with_file(
        r#"
        [[moderation.rules]]
        id = "words"
        action = "mask"
        words = ["bad"]
        whole_words = false
        [[moderation.rules]]
        id = "links"
        action = "refuse"
        links_except = []
        [[moderation.rules]]
        id = "repeats"
        action = "flag"
        repeats_max = 3
        repeats_window_ms = 60_000
        "#,
    );
    let rules = config.unwrap().moderation.rules.compile().unwrap();
    let ids: Vec<&str> = rules.all().iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids, ["words", "links", "repeats"]);

    let fault = |rule: &str| {
        let text = format!("[[moderation.rules]]\nid = \"r1\"\n{rule}\n");
        match with_file(&text) {
            Err(error) => error.to_string(),
            Ok(config) => refusal(|working| working.moderation = config.moderation),
        }
    };
    for (rule, said) in [
        ("action = \"hide\"\nwords = [\"x\"]", "`r1` must have the action"),
        ("action = \"mask\"", "`r1` must have one of"),
        ("action = \"mask\"\nwords = [\"x\"]\npatterns = [\"y\"]", "`r1` must have one of"),
        ("action = \"flag\"\nrepeats_max = 3", "`r1` must have both"),
        ("action = \"mask\"\nwhole_words = true\npatterns = [\"y\"]", "`r1` has `whole_words`"),
        ("action = \"mask\"\npatterns = [\"(\"]", "`r1` has a pattern"),
        ("words = [\"x\"]", "action"),
        ("action = \"mask\"\nwords = [\"x\"]\nwrods = 1", "wrods"),
    ] {
        assert!(fault(rule).contains(said), "{rule}: {}", fault(rule));
    }
}

#[test]
fn a_hook_needs_a_safe_url_and_a_secret() {
    let url = |url: &str| {
        let url = url.to_owned();
        refusal(|config| {
            config.moderation.hook_url = Some(url);
            config.moderation.hook_secret = Some(Secret::new("s".repeat(32)));
        })
    };
    assert!(url("http://app.example/x").contains("moderation.hook_url"));
    let alone = refusal(|config| config.moderation.hook_url = Some("https://a.example".into()));
    assert!(alone.contains("moderation.hook_secret_file"), "{alone}");
    let short =
        Moderation { hook_secret: Some(Secret::new("short".into())), ..Moderation::default() };
    assert!(hook_secret(&short).unwrap_err().to_string().contains("moderation.hook_secret has 5"));
    let mut config = working();
    config.moderation.hook_url = Some("http://127.0.0.1:9/x".into());
    config.moderation.hook_secret = Some(Secret::new("s".repeat(32)));
    assert!(refuse(&config, false).is_ok());
}

#[test]
fn bounds_of_moderation_are_checked_and_dev_moderators_are_for_dev() {
    let out = refusal(|config| {
        config.moderation.hook_timeout_ms = 9;
        config.moderation.page_max = 0;
    });
    assert!(out.contains("moderation.hook_timeout_ms") && out.contains("moderation.page_max"));
    let mut config = working();
    config.moderation.dev_moderators = vec!["mo".into()];
    assert!(refuse(&config, false).unwrap_err().to_string().contains("dev_moderators"));
    assert!(refuse(&config, true).is_ok());
    config.moderation.dev_moderators = vec![String::new()];
    assert!(refuse(&config, true).unwrap_err().to_string().contains("dev_moderators"));
}

#[test]
fn web_client_is_told_of_safe_addresses_only() {
    let refused = |url: &str| {
        let sign_in = refusal(|config| config.web.sign_in_url = Some(url.into()));
        assert!(sign_in.contains("web.sign_in_url"), "{sign_in}");
        let token = refusal(|config| config.web.token_url = Some(url.into()));
        assert!(token.contains("web.token_url"), "{token}");
    };
    for url in ["http://app.example/", "/sign-in", "javascript:alert(1)", "https://", ""] {
        refused(url);
    }
    for url in ["https://a;script-src/", "https://user@app.example/", "https://[::1]/x"] {
        refused(url);
    }
    let mut config = working();
    config.web.sign_in_url = Some(String::from("https://app.example/chat?from=parlor"));
    config.web.token_url = Some(String::from("http://localhost:8080/token"));
    refuse(&config, false).expect("they are safe");
}
