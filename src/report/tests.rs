mod bounds;
mod figures;
mod made;
mod page;
