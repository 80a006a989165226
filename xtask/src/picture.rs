//! The README's picture: what the three terminals showed when the README's commands were run, the
//! server killed on the way, drawn as an SVG. Nothing in it is made up.

use std::fmt::Write as _;

use anyhow::{Context, Result};

use crate::checks::readme::{self, Terminal};
use crate::workspace::Workspace;

const PATH: &str = "docs/pictures/first-five-minutes.svg";
const WIDTH: usize = 860;
const GAP: usize = 20;
const LINE_HEIGHT: usize = 22;
const BAR_HEIGHT: usize = 30;
const PADDING: usize = 14;

/// Runs the README's commands and draws what was seen.
pub(crate) fn draw(workspace: &Workspace) -> Result<()> {
    let [server, alice, bob] = readme::play(workspace)?;
    let half = (WIDTH - 3 * GAP) / 2;
    let top = height(&server);
    let below = height(&alice).max(height(&bob));
    let total = top + below + 3 * GAP;

    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {total}\" \
         font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, monospace\" \
         font-size=\"14\">\n<rect width=\"{WIDTH}\" height=\"{total}\" rx=\"12\" \
         fill=\"#e9edf3\"/>\n"
    );
    window(&mut svg, &server, [GAP, GAP, WIDTH - 2 * GAP, top])?;
    window(&mut svg, &alice, [GAP, top + 2 * GAP, half, below])?;
    window(&mut svg, &bob, [half + 2 * GAP, top + 2 * GAP, half, below])?;
    svg.push_str("</svg>\n");

    let path = workspace.root().join(PATH);
    std::fs::create_dir_all(path.parent().context("the path has a folder")?)?;
    std::fs::write(&path, svg)?;
    println!("wrote {PATH}");
    Ok(())
}

fn height(terminal: &Terminal) -> usize {
    BAR_HEIGHT + 2 * PADDING + terminal.lines.len() * LINE_HEIGHT
}

fn window(svg: &mut String, terminal: &Terminal, [x, y, width, height]: [usize; 4]) -> Result<()> {
    writeln!(
        svg,
        "<g transform=\"translate({x} {y})\">\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"#1b2230\"/>\n\
         <circle cx=\"18\" cy=\"15\" r=\"5\" fill=\"#ff6159\"/>\
         <circle cx=\"36\" cy=\"15\" r=\"5\" fill=\"#ffbd2e\"/>\
         <circle cx=\"54\" cy=\"15\" r=\"5\" fill=\"#28c941\"/>\n\
         <text x=\"{}\" y=\"20\" fill=\"#8b95a7\" text-anchor=\"middle\">{}</text>",
        width / 2,
        terminal.title
    )?;
    for (index, line) in terminal.lines.iter().enumerate() {
        let y = BAR_HEIGHT + PADDING + 14 + index * LINE_HEIGHT;
        writeln!(
            svg,
            "<text x=\"{PADDING}\" y=\"{y}\" fill=\"{}\" xml:space=\"preserve\">{}</text>",
            colour(line),
            escape(line)
        )?;
    }
    svg.push_str("</g>\n");
    Ok(())
}

/// Commands, what others say, acknowledgements, the kill; the rest was typed.
fn colour(line: &str) -> &'static str {
    match line {
        line if line.starts_with("$ ") => "#7fd1ff",
        line if line.starts_with("sent as") => "#6fdc8c",
        line if line.starts_with("Killed") => "#ff8389",
        line if line.contains(": ") => "#ffd37a",
        _ => "#e6eaf2",
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
