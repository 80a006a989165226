//! The screen: three tables below each other, a line of messages a second beside each name, and
//! why servers that are down are.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::node::{Node, State};
use super::table::{self, GROUPS, Group};

const QUIET: Style = Style::new().fg(Color::DarkGray);
const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
const ALARM: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);

/// Lines of a group that are no servers': its title, the row of all, and an empty one.
const GROUP_LINES: u16 = 3;

/// What lines of history are drawn with, the lowest first.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Draws all of it; the first `skipped` servers are scrolled away.
pub(super) fn draw(
    frame: &mut Frame<'_>,
    nodes: &[Node],
    now: Instant,
    interval: Duration,
    skipped: usize,
) {
    let rows = [Constraint::Length(1), Constraint::Fill(1), Constraint::Length(1)];
    let [head, middle, foot] = Layout::vertical(rows).areas(frame.area());
    let title = format!("parlor top · every {:.1} s", interval.as_secs_f64());
    frame.render_widget(Line::styled(title, STRONG), head);
    let shown = shown(nodes.len(), middle);
    let skipped = skipped.min(nodes.len() - shown);
    let seen = &nodes[skipped..skipped + shown];
    let lines: Vec<Line<'_>> =
        GROUPS.iter().flat_map(|group| group_lines(group, nodes, seen, now)).collect();
    frame.render_widget(Paragraph::new(lines), middle);
    frame.render_widget(foot_line(nodes, now, shown), foot);
}

/// How many servers there is room for in each table, at least one.
fn shown(nodes: usize, area: Rect) -> usize {
    let groups = GROUPS.len() as u16;
    let room = area.height.saturating_sub(groups * GROUP_LINES) / groups;
    nodes.min(usize::from(room.max(1)))
}

fn group_lines(group: &Group, nodes: &[Node], seen: &[Node], now: Instant) -> Vec<Line<'static>> {
    let with_history = group.title == GROUPS[0].title;
    let titles = group.columns.iter().map(|column| column.title);
    let titles = [group.title, "state"].into_iter().chain(titles).map(String::from).collect();
    let mut rows: Vec<Vec<String>> = vec![titles];
    rows.extend(seen.iter().map(|node| table::row(node, now, group)));
    rows.push(table::totals(nodes, now, group));
    // Tables stand below each other, so names take the same room in each, whoever is shown.
    let mut widths = table::widths(&rows);
    widths[0] = nodes.iter().map(|node| node.name.chars().count()).max().unwrap_or(0).max(8);
    widths[1] = widths[1].max(10);
    let last = rows.len() - 1;
    let mut lines: Vec<Line<'static>> = Vec::with_capacity(rows.len() + 1);
    for (at, row) in rows.iter().enumerate() {
        let base = match at {
            0 => QUIET,
            _ if at == last => STRONG,
            _ => Style::new(),
        };
        let mut line = Line::from(cells(row, &widths, base));
        if with_history && let Some(node) = at.checked_sub(1).and_then(|at| seen.get(at)) {
            line.push_span(Span::raw(format!("  {}", history(&node.history))));
        }
        lines.push(line);
    }
    lines.push(Line::default());
    lines
}

fn cells(row: &[String], widths: &[usize], base: Style) -> Vec<Span<'static>> {
    let cell = |(at, (cell, width)): (usize, (&String, &usize))| {
        let text = match at {
            0 | 1 => format!("{cell:<width$}  "),
            _ => format!("{cell:>width$} "),
        };
        let alarm = cell.starts_with("DOWN") || cell.starts_with("NOT");
        Span::styled(text, if alarm { ALARM } else { base })
    };
    row.iter().zip(widths).enumerate().map(cell).collect()
}

/// Bars as high as the highest of them lets them be.
fn history(values: &VecDeque<f64>) -> String {
    let highest = values.iter().copied().fold(0.0, f64::max);
    let bar = |value: &f64| {
        let height = if highest > 0.0 { value / highest * (BARS.len() - 1) as f64 } else { 0.0 };
        BARS[(height.round() as usize).min(BARS.len() - 1)]
    };
    values.iter().map(bar).collect()
}

fn foot_line(nodes: &[Node], now: Instant, shown: usize) -> Line<'static> {
    let down = nodes.iter().find_map(|node| match node.state(now) {
        State::Down(_, why) => Some(format!("{}: {why}", node.name)),
        _ => None,
    });
    let mut line = Line::from(Span::styled("q quits", QUIET));
    if shown < nodes.len() {
        line.push_span(Span::styled(format!(", ↑ ↓ scroll {} servers", nodes.len()), QUIET));
    }
    if let Some(why) = down {
        line.push_span(Span::styled(format!("  {why}"), ALARM));
    }
    line
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;

    fn drawn(nodes: &[Node], (columns, rows): (u16, u16), skipped: usize) -> String {
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("in memory");
        let (now, interval) = (Instant::now(), Duration::from_secs(1));
        terminal.draw(|frame| draw(frame, nodes, now, interval, skipped)).expect("in memory");
        let cells = terminal.backend().buffer().content();
        let rows = cells.chunks(usize::from(columns));
        rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>() + "\n").collect()
    }

    #[test]
    fn whatever_the_size_it_is_drawn() {
        let mut nodes: Vec<Node> = (0..9).map(|at| Node::new(&format!("n{at}:3000"))).collect();
        nodes[3].failed("refused", Instant::now());
        for size in [(1, 1), (3, 2), (20, 5), (80, 24), (300, 90)] {
            drawn(&nodes, size, 100);
        }
        drawn(&[], (80, 24), 0);
        let text = drawn(&nodes, (80, 24), 0);
        assert!(text.contains("n3:3000: refused") && text.contains("0/9 ready"), "{text}");
        assert!(text.contains("n0:3000") && !text.contains("n8:3000"), "{text}");
        assert!(drawn(&nodes, (80, 24), 100).contains("n8:3000"));
        assert!(drawn(&nodes, (80, 60), 0).contains("n8:3000"));
    }

    #[test]
    fn the_highest_value_has_the_highest_bar() {
        assert_eq!(history(&[0.0, 5.0, 10.0].into()), "▁▅█");
        assert_eq!(history(&[0.0, 0.0].into()), "▁▁");
        assert_eq!(history(&VecDeque::new()), "");
    }
}
