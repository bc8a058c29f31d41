//! Sockets
mod reply_cache;
