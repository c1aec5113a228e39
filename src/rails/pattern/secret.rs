//! Secrets: tokens of known form, keys, connection strings, assignments and recovery phrases.
//!
//! The forms of vendors' tokens are those that the vendors publish and that gitleaks (MIT) keeps a record of.

mod assignment;
mod connection;
mod crypto_key;
mod entropy;
mod jwt;
mod mnemonic;
mod private_key;
mod token;
mod vendors;

use super::{Detector, Hit, Trigger};

pub(super) use assignment::DETECTOR as ASSIGNMENT;
pub(super) use connection::DETECTOR as CONNECTION;
pub(super) use crypto_key::DETECTOR as CRYPTO_KEY;
pub(super) use jwt::DETECTOR as JWT;
pub(super) use mnemonic::DETECTOR as MNEMONIC;
pub(super) use private_key::DETECTOR as PRIVATE_KEY;
pub(super) use token::Token;
pub(super) use vendors::{
    ANTHROPIC, AWS, AZURE, DISCORD, GITHUB, GITLAB, GOOGLE, HUGGINGFACE, OPENAI, REGISTRY, SLACK, STRIPE,
    TELEGRAM, VENDOR,
};

const CATEGORY: &str = "secret";
const PLACEHOLDER: &str = "[SECRET]";
