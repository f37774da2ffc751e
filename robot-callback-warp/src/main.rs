//! The server `robot-callback`; all of it is in [`robot_callback_warp::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    robot_callback_warp::cli::main()
}
