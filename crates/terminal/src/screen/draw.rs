//! Draws the screen.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph};
use unicode_width::UnicodeWidthStr;

use super::view::{MessageLine, Tick, View};
use crate::text::{cut, wrap};

/// Narrower than this there is no room for the list beside the messages.
const LIST_FROM_COLUMNS: u16 = 64;
const LIST_COLUMNS: u16 = 24;
const COMPOSER_LINES_MAX: usize = 5;

const QUIET: Style = Style::new().fg(Color::DarkGray);
const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);

/// Draws all of it, whatever the size.
pub(crate) fn draw(frame: &mut Frame<'_>, view: &View) {
    let area = frame.area();
    let written = written(view, area.width as usize);
    let composer_rows = written.len().min(COMPOSER_LINES_MAX) as u16 + 1;
    let rows = [
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(composer_rows),
        Constraint::Length(1),
    ];
    let [head, middle, composer, foot] = Layout::vertical(rows).areas(area);
    draw_head(frame, head, view);
    if area.width >= LIST_FROM_COLUMNS {
        let columns = [Constraint::Length(LIST_COLUMNS), Constraint::Fill(1)];
        let [list, messages] = Layout::horizontal(columns).areas(middle);
        draw_list(frame, list, view);
        draw_messages(frame, messages, view);
    } else {
        draw_messages(frame, middle, view);
    }
    draw_composer(frame, composer, view, &written);
    draw_foot(frame, foot, view);
}

fn draw_head(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let elsewhere: u64 =
        view.list.iter().filter(|line| !line.is_selected).map(|line| line.unread).sum();
    let mut left = format!(" {}", view.title);
    if !view.subtitle.is_empty() {
        left.push_str(&format!(" · {}", view.subtitle));
    }
    let mut right = format!("{} · {} ", view.me, view.status);
    if elsewhere > 0 {
        right = format!("{elsewhere} unread elsewhere · {right}");
    }
    let columns = area.width as usize;
    let right = cut(&right, columns / 2);
    let left = cut(&left, columns.saturating_sub(right.width() + 1));
    let gap = " ".repeat(columns.saturating_sub(left.width() + right.width()));
    let color = if view.is_live { Color::Green } else { Color::Yellow };
    let line = Line::from(vec![
        Span::styled(left, STRONG),
        Span::raw(gap),
        Span::styled(right, Style::new().fg(color)),
    ]);
    frame.render_widget(Paragraph::new(line), area);
}

fn draw_list(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let corner = border::Set { top_right: "┬", ..border::PLAIN };
    let block =
        Block::new().borders(Borders::RIGHT | Borders::TOP).border_set(corner).border_style(QUIET);
    let inner = block.inner(area);
    let rows = inner.height as usize;
    let selected = view.list.iter().position(|line| line.is_selected).unwrap_or(0);
    let from = (selected + 1).saturating_sub(rows);
    let lines = view.list.iter().skip(from).take(rows).map(|line| {
        let count = if line.unread > 0 { format!(" {}", line.unread) } else { String::new() };
        let columns = inner.width as usize;
        let name = cut(&line.name, columns.saturating_sub(count.width() + 2));
        let gap = " ".repeat(columns.saturating_sub(name.width() + count.width() + 2));
        let dot = if line.is_online { "● " } else { "  " };
        let style = match (line.is_selected, line.unread > 0) {
            (true, _) => Style::new().add_modifier(Modifier::REVERSED),
            (_, true) => STRONG,
            _ => Style::new(),
        };
        let dot = Span::styled(dot, Style::new().fg(Color::Green));
        Line::from(vec![dot, Span::raw(format!("{name}{gap}")), Span::raw(count)]).style(style)
    });
    let lines: Vec<_> = lines.collect();
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn draw_messages(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let block = Block::new().borders(Borders::TOP).border_style(QUIET);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let (columns, rows) = (inner.width as usize, inner.height as usize);
    if view.messages.is_empty() {
        let text = match (view.title.is_empty(), view.is_loading) {
            (true, _) => "Ctrl-T begins a conversation.",
            (false, true) => "reading …",
            (false, false) => "Nobody has said anything here yet.",
        };
        frame.render_widget(Paragraph::new(Span::styled(text, QUIET)), inner);
        return;
    }
    // From the newest up, as far as there is room.
    let mut lines: Vec<Line<'_>> = Vec::new();
    for message in view.messages.iter().rev() {
        lines.extend(message_lines(message, columns).into_iter().rev());
        if lines.len() >= rows + view.scroll {
            break;
        }
    }
    let skipped = view.scroll.min(lines.len().saturating_sub(rows));
    let mut shown: Vec<_> = lines.into_iter().skip(skipped).take(rows).collect();
    shown.reverse();
    let top = rows.saturating_sub(shown.len()) as u16;
    let place = Rect { y: inner.y + top, height: inner.height - top, ..inner };
    frame.render_widget(Paragraph::new(shown), place);
}

fn message_lines(message: &MessageLine, columns: usize) -> Vec<Line<'static>> {
    let (tick, color) = match message.tick {
        Tick::None => ("", Color::Reset),
        Tick::Sending => (" …", Color::DarkGray),
        Tick::Failed => (" ✗", Color::Red),
        Tick::Sent => (" ✓", Color::DarkGray),
        Tick::Delivered => (" ✓✓", Color::DarkGray),
        Tick::Read => (" ✓✓", Color::Cyan),
    };
    let head = format!("{} {}: ", message.at, cut(&message.from, columns / 3));
    let name = Style::new().fg(if message.is_mine { Color::Cyan } else { Color::Magenta });
    let mut text = message.text.clone();
    if !message.note.is_empty() {
        text.push_str(&format!(" ({})", message.note));
    }
    let room = columns.saturating_sub(head.width() + tick.width());
    // On a very narrow terminal the text goes below the name.
    let (first, indent) = if room >= 8 { (room, head.width()) } else { (columns, 0) };
    let mut lines = Vec::new();
    let mut wrapped = wrap(&text, first).into_iter();
    if indent > 0 {
        let begin = wrapped.next().unwrap_or_default();
        lines.push(vec![Span::styled(head, name), Span::raw(begin)]);
    } else {
        lines.push(vec![Span::styled(cut(&head, columns), name)]);
    }
    lines.extend(wrapped.map(|line| vec![Span::raw(format!("{}{line}", " ".repeat(indent)))]));
    if let Some(last) = lines.last_mut() {
        last.push(Span::styled(tick, Style::new().fg(color)));
    }
    lines.into_iter().map(Line::from).collect()
}

/// What the user has written, in lines, behind what asks for it.
fn written(view: &View, columns: usize) -> Vec<String> {
    wrap(&format!("{}{}", asks(view), view.written), columns)
}

fn asks(view: &View) -> &str {
    view.prompt.unwrap_or("> ")
}

fn draw_composer(frame: &mut Frame<'_>, area: Rect, view: &View, written: &[String]) {
    let block = Block::new().borders(Borders::TOP).border_style(QUIET);
    let inner = block.inner(area);
    let before = wrap(&format!("{}{}", asks(view), view.before_cursor), inner.width as usize);
    let row = before.len().saturating_sub(1);
    let from = (row + 1).saturating_sub(inner.height as usize);
    let lines: Vec<_> = written.iter().skip(from).map(|line| Line::raw(line.as_str())).collect();
    frame.render_widget(Paragraph::new(lines).block(block), area);
    let column = before.last().map_or(0, |line| line.width()) as u16;
    if inner.height > 0 && inner.width > 0 {
        let x = inner.x + column.min(inner.width - 1);
        frame.set_cursor_position(Position::new(x, inner.y + (row - from) as u16));
    }
}

fn draw_foot(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let (text, style) = match &view.notice {
        Some(notice) => (notice.clone(), Style::new().fg(Color::Yellow)),
        None if view.prompt.is_some() => ("Enter opens it · Esc goes back".to_owned(), QUIET),
        None => {
            let keys =
                "Enter send · Tab next · ^T to … · PgUp older · ^R retry · ^D drop · ^C quit";
            (keys.to_owned(), QUIET)
        }
    };
    let line = Span::styled(cut(&format!(" {text}"), area.width as usize), style);
    frame.render_widget(Paragraph::new(line), area);
}

#[cfg(test)]
mod tests;
