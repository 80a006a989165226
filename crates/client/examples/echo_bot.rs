//! A bot that says back whatever is said to it.

use parlor_client::{Parlor, SqliteOutbox, Update};

#[tokio::main]
async fn main() -> Result<(), parlor_client::Error> {
    let url = std::env::args().nth(1).unwrap_or("http://127.0.0.1:3000".into());
    let parlor = Parlor::builder(url)
        .token("echo") // any name will do with `parlor serve --dev`
        .device("echo-bot") // what is said while the bot is away comes when it is back
        .outbox(SqliteOutbox::open("echo-bot.db")?) // what it says survives `kill -9`
        .connect()?;
    let mut updates = parlor.updates();
    while let Some(update) = updates.next().await {
        if let Update::Message { conversation, message } = update
            && let Some(content) = &message.content
        {
            conversation.send(content.clone()).await?;
            conversation.mark_read_to(message.seq);
        }
    }
    parlor.live().await // says why the client was closed
}
