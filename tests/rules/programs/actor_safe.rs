use rocket::tokio::sync::{mpsc, oneshot};
use rocket::{launch, post, routes, State};

enum Command {
    Withdraw {
        amount: i64,
        reply: oneshot::Sender<Option<i64>>,
    },
}

struct Account {
    commands: mpsc::Sender<Command>,
}

async fn run(mut commands: mpsc::Receiver<Command>) {
    let mut balance = 100;
    while let Some(command) = commands.recv().await {
        match command {
            Command::Withdraw { amount, reply } => {
                let answer = if balance >= amount {
                    balance -= amount;
                    Some(balance)
                } else {
                    None
                };
                let _ = reply.send(answer);
            }
        }
    }
}

#[post("/withdraw/<amount>")]
async fn withdraw(amount: i64, account: &State<Account>) -> Option<String> {
    let (reply, answer) = oneshot::channel();
    account
        .commands
        .send(Command::Withdraw { amount, reply })
        .await
        .ok()?;
    answer.await.ok()?.map(|left| left.to_string())
}

#[launch]
fn rocket() -> _ {
    let (commands, inbox) = mpsc::channel(16);
    rocket::tokio::spawn(run(inbox));
    rocket::build()
        .manage(Account { commands })
        .mount("/", routes![withdraw])
}
