//! The crate through its public interface: known values, slow oracles, hostile files, drawings.

#[cfg(test)]
mod binomial;
#[cfg(test)]
mod file;
#[cfg(test)]
mod fairness;
#[cfg(test)]
mod fit;
#[cfg(test)]
mod measure;
#[cfg(test)]
mod plot;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod threshold;
