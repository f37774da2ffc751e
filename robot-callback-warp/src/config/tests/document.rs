//! docs/robot-callback.toml: every setting with its names, unit and default, written from the list of settings.

use super::*;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/robot-callback.toml");

const HEAD: &str = "\
# Every setting of robot-callback with its default, or, where it has none, with a sample. Copy what you change into
# robot-callback.toml in the server's working directory (or name the file by ROBOT_CALLBACK_CONFIG or --config). A flag
# goes before the environment, the environment before the file; `robot-callback check-config` shows what is in force.
#
# Secrets are best kept in files of their own (the settings that end in _file). What stands on a command line is there
# for every user to read. What stands in the environment is there for root, for whoever may ask the service manager or
# the container engine, and on other systems than Linux for every process of the same user.
";

/// What may be written for its default; `None` when that is told in words.
fn default(setting: &Setting) -> Option<&'static str> {
    let in_words = |text: &&str| text.contains(' ') || matches!(*text, "none" | "off" | "DATABASE_URL");
    setting.default().filter(|default| !in_words(default))
}

/// In a TOML file's words: numbers and switches as they are, everything else quoted.
fn written(setting: &Setting) -> String {
    let bare = |text: &str| text.parse::<u64>().is_ok() || matches!(text, "true" | "false");
    let value = match default(setting) {
        Some(default) if bare(default) => default.to_owned(),
        Some(default) => format!("\"{default}\""),
        _ if matches!(setting.value, "SECS" | "N" | "PORT" | "BYTES") => sample(setting).to_string(),
        _ => format!("\"{}\"", setting.value),
    };
    format!("# {} = {value}\n", setting.key)
}

/// A number that may be copied as it is.
fn sample(setting: &Setting) -> u32 {
    match setting.key {
        "port" => 8080,
        "deadline_secs_per_order" => 30,
        "deadline_plus_secs" => 600,
        key => panic!("{key} has no default and no sample"),
    }
}

fn document() -> String {
    let mut text = HEAD.to_owned();
    for setting in ALL {
        text.push('\n');
        for line in wrapped(setting.help, 116) {
            text.push_str(&format!("# {line}\n"));
        }
        let flag = setting.flag.map_or(String::new(), |flag| format!("  flag: --{flag}"));
        text.push_str(&format!("#   environment: {}{flag}\n{}", setting.env, written(setting)));
    }
    text
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("there is one from the beginning");
        if !last.is_empty() && last.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            last.push_str(if last.is_empty() { "" } else { " " });
            last.push_str(word);
        }
    }
    lines
}

#[test]
fn the_documented_file_is_the_list_of_settings() {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(FILE, document()).unwrap();
    }
    let found = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        found == document(),
        "docs/robot-callback.toml is not what the settings are; write it anew with\n\
         UPDATE_DOCS=1 cargo test -p robot-callback-warp --lib documented"
    );
}

#[test]
fn every_line_of_the_documented_file_is_a_setting_when_uncommented() {
    let text = document();
    let is_setting = |line: &&str| line.split_once(" = ").is_some_and(|(key, _)| !key[2..].contains(' '));
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("# ")).filter(is_setting).collect();
    assert_eq!(lines.len(), ALL.len(), "each setting once");
    for line in lines {
        let layers = layers(&line[2..], &[], &[]);
        assert!(layers.sound().is_ok(), "{line} is a setting of the file");
    }
}

#[test]
fn a_documented_value_is_the_default_or_plainly_none() {
    let shown = |mut config: Config| {
        config.relay.seed = 0; // another one each time
        format!("{config:?}")
    };
    let unset = shown(config("", &[], &[]).unwrap());
    for setting in ALL.iter().filter(|setting| default(setting).is_some()) {
        let line = written(setting);
        let set = config(&line[2..], &[], &[]).unwrap_or_else(|error| panic!("{line}{error}"));
        assert_eq!(shown(set), unset, "{line} changes nothing");
    }
}
